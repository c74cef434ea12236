import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, resolve } from 'node:path';
import { checkFiles, openBundle, type OpenBundle } from '@skerry/bundle';
import { DiagnosticError } from '@skerry/diagnostics';
import type { Inventory } from '@skerry/inventory';

/** The folder that a lab's script has made, for the process that is started inside the lab's network. */
const madeFolder = 'SKERRY_LAB_BUNDLE';

/**
 * The folder of the bundle of a run: `--bundle`, else `bundle:` of the inventory, else what the
 * script `lab.bundle.make` makes or finds. Undefined where there is none of them. Throws a
 * DiagnosticError where that script fails.
 */
export async function bundleFolder(
  inventory: Inventory,
  given: string | undefined,
  request: Consent = {},
): Promise<string | undefined> {
  if (given !== undefined) return resolve(given);
  const beside = dirname(resolve(inventory.path));
  if (inventory.bundle !== undefined) return resolve(beside, inventory.bundle);
  const made = process.env[madeFolder];
  if (made !== undefined && made !== '') return made;
  const make = inventory.lab?.bundle?.make;
  if (make === undefined) return undefined;
  const folder = await madeBy(resolve(beside, make), resolve(inventory.path), request);
  process.env[madeFolder] = folder;
  return folder;
}

/** The bundle of a run, all of its files there and of the right size; undefined where it has none. */
export async function bundleOf(
  inventory: Inventory,
  given: string | undefined,
  request: Consent = {},
): Promise<OpenBundle | undefined> {
  const folder = await bundleFolder(inventory, given, request);
  if (folder === undefined) return undefined;
  const bundle = await openBundle(folder);
  await checkFiles(bundle);
  return bundle;
}

/** Whether the script may install what it lacks without asking; it gets `--yes` then. */
interface Consent {
  readonly yes?: boolean;
}

/**
 * Runs the script; what it tells people goes to standard error, and on a terminal it may ask. Its
 * last line names the folder.
 */
async function madeBy(script: string, inventory: string, { yes }: Consent): Promise<string> {
  const words = [script, inventory, ...(yes === true ? ['--yes'] : [])];
  const child = spawn(process.execPath, words, { stdio: ['inherit', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString('utf8');
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  const last = text.trimEnd().split('\n').at(-1)?.trim() ?? '';
  if (code === 0 && last !== '') return resolve(dirname(script), last);
  throw new DiagnosticError({
    code: 'bundle-not-made',
    severity: 'error',
    what: `the bundle of the lab could not be made by ${script}`,
    why:
      code === 0
        ? 'it ended well and printed no folder'
        : `it ended ${signal === null ? `with status ${code}` : `by ${signal}`}; what it said stands above`,
    fix: 'mend what it says, or name a bundle that there is with --bundle DIR',
  });
}
