import { open, readFile } from 'node:fs/promises';
import { DiagnosticError, type Diagnostic } from '@skerry/diagnostics';
import {
  planKey,
  planKeyVariable,
  planUsed,
  readPlanFile,
  sha256,
  usedSince,
  type PlanToApply,
  type SavedPlan,
} from '@skerry/runbook';
import { toolVersion } from '../installation.ts';
import { stateFolder, openInventory } from '../inventory-file.ts';
import type { RunContext } from '../run-context.ts';
import { findSource } from './sources.ts';

/** Whether a path names a saved plan rather than an inventory: by its name, or by how it begins. */
export async function isPlanFile(path: string): Promise<boolean> {
  if (path.endsWith('.json')) return true;
  try {
    await using file = await open(path);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(64), 0, 64, 0);
    return /^\s*\{\s*"format":\s*"skerry-plan"/.test(buffer.toString('utf8', 0, bytesRead));
  } catch {
    return false;
  }
}

export async function openPlan(path: string): Promise<SavedPlan> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new DiagnosticError({
      code: 'plan-unreadable',
      severity: 'error',
      what: `there is no plan to read at ${path}`,
      why: error instanceof Error ? error.message : String(error),
      fix: 'make one with: bootstrap plan INVENTORY --out FILE',
    });
  }
  return readPlanFile(text, path);
}

/** The files of a plan on this machine. */
export interface PlanSources {
  readonly inventory: string;
  readonly runbook: string;
}

/**
 * All that can refuse a plan before a host is asked: age, version of the tool, inventory or runbook
 * changed, used here. Throws one DiagnosticError with everything found.
 */
export async function checkPlan(
  saved: SavedPlan,
  given: {
    readonly path: string;
    /** Seconds. */
    readonly maxAge: number;
    readonly inventory?: string;
    readonly now?: Date;
  },
): Promise<PlanSources> {
  const { file } = saved;
  const found: Diagnostic[] = [];
  const refuse = (code: string, what: string, why: string, fix = 'plan again with --out'): void => {
    found.push({ code, severity: 'error', what, why, fix });
  };
  if (file.tool !== toolVersion()) {
    refuse(
      'plan-tool',
      `this plan was made by Skerry ${file.tool}, and this is ${toolVersion()}`,
      'another version may read the hosts, or do a step, in another way',
    );
  }
  const age = ((given.now ?? new Date()).getTime() - Date.parse(file.created)) / 1000;
  if (age > given.maxAge) {
    refuse(
      'plan-too-old',
      `this plan is too old: it was made on ${file.created}`,
      `that is ${Math.round(age / 60)} minutes ago; --max-age allows ${Math.round(given.maxAge / 60)}`,
    );
  } else if (age < -300) {
    refuse('plan-from-future', `this plan was made on ${file.created}`, 'that is in the future');
  }
  const inventory = given.inventory ?? (await findSource(file.inventory, given.path));
  const runbook = await findSource(file.runbook, given.path);
  for (const [name, source, at] of [
    ['inventory', file.inventory, inventory],
    ['runbook', file.runbook, runbook],
  ] as const) {
    const bytes = at === undefined ? undefined : await readFile(at).catch(() => undefined);
    if (bytes === undefined) {
      refuse(
        `${name}-missing`,
        `the ${name} of this plan is not there: ${source.path}`,
        'it is looked for in the working tree, in the current folder and beside the plan',
        name === 'inventory' ? 'name it with --inventory FILE' : 'run this where the runbook lies',
      );
    } else if (sha256(bytes) !== source.sha256) {
      refuse(
        `${name}-changed`,
        `the ${name} ${at} was changed after the plan was made`,
        'its content has another digest than the plan says',
      );
    }
  }
  if (inventory !== undefined && found.every(({ code }) => code !== 'inventory-missing')) {
    const { inventory: read } = await openInventory(inventory, undefined);
    const since = await usedSince(stateFolder(read), file.digest);
    if (since !== undefined) found.push(...planUsed(since).diagnostics);
  }
  if (found.length > 0 || inventory === undefined || runbook === undefined) {
    throw new DiagnosticError(found);
  }
  return { inventory, runbook };
}

/** With the secrets at hand: refuses a plan one of whose secrets has another value now. */
export async function withSecrets(saved: SavedPlan, context: RunContext): Promise<PlanToApply> {
  const key = await planKey(context.stateFolder);
  const { file } = saved;
  if (key.id === file.key) {
    const changed = file.secrets.filter(
      ({ token, digest }) => key.digest('secret', context.secrets.reveal(token)) !== digest,
    );
    if (changed.length === 0) return { ...saved, key };
    throw new DiagnosticError(
      changed.map(({ token }) => ({
        code: 'secret-changed',
        severity: 'error' as const,
        what: `the secret ${token} has another value than when the plan was made`,
        fix: 'plan again with --out',
      })),
    );
  }
  if (file.secrets.length === 0) return { ...saved, key: undefined };
  throw new DiagnosticError({
    code: 'plan-key-other',
    severity: 'error',
    what: 'whether the secrets of this plan are the same now cannot be told on this machine',
    why: 'their digests were made with another plan key',
    fix: `apply it where it was made, or give both machines the same ${planKeyVariable} (openssl rand -hex 32)`,
  });
}
