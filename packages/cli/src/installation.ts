import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const isBuilt = import.meta.url.endsWith('.js');

/**
 * Where Skerry lies: the folder with runbooks/ and templates/. In a package that was built they lie
 * beside this file, in a checkout at its top.
 */
export const installation = fileURLToPath(new URL(isBuilt ? '.' : '../../..', import.meta.url));

/** How the names of the runbooks end that come with Skerry. */
export const ownRunbookEnding = isBuilt ? '.js' : '.ts';

export function toolVersion(): string {
  const file = new URL('../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

/**
 * The file of a runbook: a path of the user's own, or a name in runbooks/ (of the working folder,
 * of the folders above the inventory's, then of the installation).
 */
export function runbookFile(name: string, inventoryPath: string): string {
  const candidates = runbookFiles(name, inventoryPath);
  return candidates.find((file) => existsSync(file)) ?? candidates.at(-1) ?? name;
}

/** Every place in which a runbook is looked for. */
export function runbookFiles(name: string, inventoryPath: string): readonly string[] {
  if (/[/\\]|\.[cm]?[jt]s$/.test(name)) return [name];
  const folders = [process.cwd(), dirname(dirname(resolve(inventoryPath)))];
  const files = folders.map((folder) => join(folder, 'runbooks', `${name}.ts`));
  return [...new Set([...files, join(installation, 'runbooks', `${name}${ownRunbookEnding}`)])];
}
