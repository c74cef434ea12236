import { rename, rm, writeFile } from 'node:fs/promises';
import { DiagnosticError } from '@skerry/diagnostics';
import { encodePlanFile, planFileText, planKey, type RunOutcome } from '@skerry/runbook';
import { toolVersion } from '../installation.ts';
import type { RunOptions } from '../options.ts';
import type { RunContext } from '../run-context.ts';
import { runbookSource, sourceOf } from './sources.ts';

/**
 * Writes a plan to a file that its owner alone can read: whole, or not at all. A plan that leaves
 * out a host because it could not be read is not written.
 */
export async function savePlan(
  path: string,
  outcome: RunOutcome,
  made: {
    readonly context: RunContext;
    readonly runbook: string;
    readonly options: RunOptions;
    readonly now?: Date;
  },
): Promise<void> {
  const { context, options } = made;
  refuseIncomplete(path, outcome);
  const file = encodePlanFile({
    plan: outcome.plan,
    observations: outcome.observations,
    tool: toolVersion(),
    created: made.now ?? new Date(),
    inventory: await sourceOf(context.inventory.path),
    runbook: await runbookSource(made.runbook),
    selection: {
      ...(options.limit === undefined ? {} : { limit: options.limit }),
      ...(options.tags === undefined ? {} : { tags: [...options.tags] }),
    },
    key: await planKey(context.stateFolder),
    secrets: context.secrets,
    tokens: context.hosts.flatMap(({ secrets }) => Object.values(secrets)),
  });
  const temporary = `${path}.${process.pid}`;
  try {
    await writeFile(temporary, planFileText(file), { mode: 0o600, flag: 'wx' });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw new DiagnosticError({
      code: 'plan-unwritable',
      severity: 'error',
      what: `the plan could not be written to ${path}`,
      why: error instanceof Error ? error.message : String(error),
      fix: 'give --out a path in a folder that is there and can be written to',
    });
  }
}

function refuseIncomplete(path: string, outcome: RunOutcome): void {
  const missing = outcome.hosts.filter(
    ({ failure, outcome: how }) => failure !== undefined && how !== 'refused',
  );
  if (missing.length === 0) return;
  throw new DiagnosticError({
    code: 'plan-incomplete',
    severity: 'error',
    what: `${path} was not written: ${missing.map(({ host }) => host).join(', ')} could not be planned`,
    why: 'a plan that is reviewed has to name all that it leaves out',
    fix: 'mend them, or leave them out by name: --limit "all:!HOST"',
  });
}
