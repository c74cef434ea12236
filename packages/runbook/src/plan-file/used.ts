import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DiagnosticError } from '@skerry/diagnostics';
import { sh, type Fragment } from '@skerry/steps';

const fileOf = (stateFolder: string, digest: string): string =>
  join(stateFolder, 'plans', `${digest.replace('sha256:', '')}.json`);

/** Days for which a record is kept: longer than any `--max-age`, after which the plan is refused anyway. */
const keptDays = 400;

/** When, according to this machine, a plan began to be applied; undefined where it was not. */
export async function usedSince(stateFolder: string, digest: string): Promise<string | undefined> {
  try {
    const record = JSON.parse(await readFile(fileOf(stateFolder, digest), 'utf8')) as {
      used: string;
    };
    return record.used;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    // A record that was cut off is a record.
    if (error instanceof SyntaxError) return 'an unknown time';
    throw error;
  }
}

/**
 * Records on this machine that a plan is used from now on. Throws `plan-used` where it is already:
 * of two runs that get here at the same time, one does.
 */
export async function markUsed(stateFolder: string, digest: string, now: Date): Promise<void> {
  await mkdir(join(stateFolder, 'plans'), { recursive: true, mode: 0o700 });
  const record = `${JSON.stringify({ used: now.toISOString() })}\n`;
  try {
    await writeFile(fileOf(stateFolder, digest), record, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw planUsed((await usedSince(stateFolder, digest)) ?? 'an unknown time');
  }
  await forgetOld(join(stateFolder, 'plans'), now);
}

async function forgetOld(at: string, now: Date): Promise<void> {
  const oldest = now.getTime() - keptDays * 86_400_000;
  for (const name of await readdir(at)) {
    const path = join(at, name);
    if ((await stat(path)).mtimeMs < oldest) await rm(path, { force: true });
  }
}

export function planUsed(since: string): DiagnosticError {
  return new DiagnosticError({
    code: 'plan-used',
    severity: 'error',
    what: `this plan was used already, on ${since}`,
    why: 'a plan is applied once; what is left of an apply that was cut off is another plan',
    fix: 'plan again with --out',
  });
}

/**
 * On the host: one small file for each plan that was used there, so that also another machine with
 * the same plan is refused. On disk and not under /run: it must outlive a reboot.
 */
const folder = `
folder=/var/lib/skerry/plans
[ "$(id -u)" = 0 ] || folder=\${HOME:?}/.local/state/skerry/plans
`;

/** Prints `used` and when, where this host has a record of the plan. */
export function readUsed(digest: string): Fragment {
  return sh(
    `${folder}[ ! -e "$folder/$1" ] || { printf 'used '; cat "$folder/$1"; }`,
    digest.replace('sha256:', ''),
  );
}

/** Records the plan as used, durably; status 73 (EX_CANTCREAT) where it is already. */
export function recordUsed(digest: string, now: Date): Fragment {
  return sh(
    `${folder}mkdir -p "$folder" || exit 1
( set -C; printf '%s\\n' "$2" >"$folder/$1" ) || { [ -e "$folder/$1" ] && exit 73; exit 1; }
find "$folder" -type f -mtime +"$3" -exec rm -f -- {} +
sync "$folder" 2>/dev/null || sync`,
    digest.replace('sha256:', ''),
    now.toISOString(),
    String(keptDays),
  );
}
