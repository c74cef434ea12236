import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, realpath } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { promisify } from 'node:util';
import { sha256, type PlanFile } from '@skerry/runbook';
import { installation } from '../installation.ts';

const run = promisify(execFile);

/** What a plan says of a file that it was made of: where it lies, its content, its revision. */
export async function sourceOf(file: string): Promise<PlanFile['inventory']> {
  const path = await realpath(file);
  const digest = sha256(await readFile(path));
  const top = await git(dirname(path), 'rev-parse', '--show-toplevel');
  const base = top ?? process.cwd();
  const below = under(base, path) ?? basename(path);
  const commit =
    top === undefined ? undefined : await git(top, 'rev-parse', '--verify', '-q', 'HEAD');
  if (top === undefined || commit === undefined) return { path: below, sha256: digest };
  const changes = await git(top, 'status', '--porcelain');
  return { path: below, sha256: digest, revision: { commit, dirty: changes !== '' } };
}

/** Like `sourceOf`, for a runbook, which may be one that comes with Skerry. */
export async function runbookSource(
  file: string,
): Promise<Omit<PlanFile['runbook'], 'name' | 'order'>> {
  const source = await sourceOf(file);
  const path = under(await realpath(installation), await realpath(file));
  return path === undefined || !path.startsWith('runbooks/')
    ? { builtin: false, ...source }
    : { builtin: true, ...source, path };
}

/**
 * The file that a plan names, on this machine: below the top of the working tree of the current
 * folder, below that folder, or beside the plan. Undefined where it is in none.
 */
export async function findSource(
  source: { readonly path: string; readonly builtin?: boolean },
  planPath: string,
): Promise<string | undefined> {
  if (source.builtin === true) return join(installation, source.path);
  const beside = dirname(resolve(planPath));
  const folders = [await git(process.cwd(), 'rev-parse', '--show-toplevel'), process.cwd(), beside];
  return folders
    .flatMap((folder) => (folder === undefined ? [] : [join(folder, source.path)]))
    .find((file) => existsSync(file));
}

function under(folder: string, path: string): string | undefined {
  const below = relative(folder, path);
  const outside = below === '' || below === '..' || below.startsWith(`..${sep}`);
  return outside || isAbsolute(below) ? undefined : below;
}

/** What git prints, without the last newline; undefined where there is no repository, or no git. */
async function git(folder: string, ...words: string[]): Promise<string | undefined> {
  try {
    const { stdout } = await run('git', ['-C', folder, ...words], { maxBuffer: 64 * 1024 * 1024 });
    return stdout.replace(/\n$/, '');
  } catch {
    return undefined;
  }
}
