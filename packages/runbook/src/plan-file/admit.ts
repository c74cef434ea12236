import { DiagnosticError, ExitCode, type Diagnostic } from '@skerry/diagnostics';
import type { Fragment } from '@skerry/steps';
import { HostFailure } from '../host-link.ts';
import type { HostState } from '../host-state.ts';
import { observationOf } from '../observation.ts';
import { toPart } from '../parts.ts';
import { isHostPlanEmpty, type Plan } from '../plan.ts';
import type { ForEachHost } from '../probe-fleet.ts';
import type { RunRequest } from '../request.ts';
import { comparePlan, movedDiagnostics } from './compare.ts';
import type { PlanKey } from './plan-key.ts';
import type { SavedPlan } from './read.ts';
import { markUsed, planUsed, readUsed, recordUsed } from './used.ts';

/** A saved plan that a run is to apply. */
export interface PlanToApply extends SavedPlan {
  /** Undefined where this machine does not have the key that the plan was made with. */
  readonly key: PlanKey | undefined;
}

/** Milliseconds for looking at, or writing, one small file on a host. */
const recordDeadline = 60_000;

/**
 * Compares a saved plan with what was just read under the locks, and takes it over. Throws one
 * DiagnosticError with all that moved; a host that could not be read refuses the plan, too.
 */
export async function admitPlan(
  request: RunRequest,
  forEachHost: ForEachHost,
  states: readonly HostState[],
  fresh: Plan,
  saved: PlanToApply,
): Promise<void> {
  const unread = states.flatMap((state) => unreadable(state));
  const observations = states.flatMap((state) => observationOf(state) ?? []);
  // A host that could not be read is not gone: it is told once, with its reason.
  const unreadNames = new Set(states.flatMap((s) => (s.plan === undefined ? [s.host.name] : [])));
  const moved = comparePlan(saved, {
    plan: fresh,
    observations,
    secrets: request.secrets,
    key: saved.key,
  }).filter(({ code, host }) => code !== 'host-gone' || !unreadNames.has(host));
  const all = movedDiagnostics(moved);
  const refusals = [...unread, ...all.filter(({ severity }) => severity === 'error')];
  if (refusals.length > 0) throw new DiagnosticError(refusals, ExitCode.error);
  for (const { at, code, what, why } of all) {
    const host = at !== undefined && 'host' in at ? { host: at.host } : {};
    request.emit({ type: 'warning', ...host, code, what, ...(why === undefined ? {} : { why }) });
  }
  await refuseUsedOnHosts(request, forEachHost, states, saved);
  const planned = new Map(saved.plan.hosts.map((host) => [host.host, host]));
  for (const state of states) {
    const plan = planned.get(state.host.name);
    if (plan !== undefined) state.plan = plan;
  }
}

function unreadable(state: HostState): Diagnostic[] {
  const { failure, host } = state;
  if (failure === undefined || failure.outcome === 'refused') return [];
  const { code, what, why, fix } = failure.failure;
  return [
    {
      code,
      severity: 'error',
      what: `the plan has this host, and it cannot be read: ${what}`,
      at: { host: host.name },
      ...(why === undefined ? {} : { why }),
      ...(fix === undefined ? {} : { fix }),
    },
  ];
}

async function refuseUsedOnHosts(
  request: RunRequest,
  forEachHost: ForEachHost,
  states: readonly HostState[],
  saved: PlanToApply,
): Promise<void> {
  const used: { host: string; since: string }[] = [];
  await forEachHost(changing(states, saved), async (state) => {
    const said = await tell(request, state, readUsed(saved.file.digest));
    const since = /^used (.*)/.exec(said)?.[1];
    if (since !== undefined) used.push({ host: state.host.name, since });
  });
  const [first] = used;
  if (first === undefined) return;
  const [diagnostic] = planUsed(first.since).diagnostics;
  if (diagnostic === undefined) return;
  const host = used
    .map((one) => one.host)
    .toSorted()
    .join(', ');
  throw new DiagnosticError({ ...diagnostic, at: { host } });
}

/**
 * Uses a plan up, here and on every host that it changes, before the first change. Throws where
 * somebody else has used it meanwhile, or a host cannot keep the record.
 */
export async function claimPlan(
  request: RunRequest,
  forEachHost: ForEachHost,
  states: readonly HostState[],
  saved: PlanToApply,
): Promise<void> {
  const now = new Date();
  await markUsed(request.stateFolder, saved.file.digest, now);
  await forEachHost(changing(states, saved), async (state) => {
    await tell(request, state, recordUsed(saved.file.digest, now));
  });
}

/** Runs one fragment and gives what it printed; throws where it does not succeed. */
async function tell(request: RunRequest, state: HostState, fragment: Fragment): Promise<string> {
  try {
    const part = toPart(fragment, request.secrets);
    const options = { deadline: recordDeadline, signal: request.signal };
    const result = await state.link.run(becomes(state), [part], options);
    if (result.outcome !== 'exited') throw noRecord(state, result.reason);
    const [answer] = result.parts;
    if (answer?.code !== 0) throw noRecord(state, answer?.stderr);
    return answer.stdout;
  } catch (error) {
    if (error instanceof HostFailure) throw noRecord(state, error.message);
    throw error;
  }
}

function changing(states: readonly HostState[], saved: PlanToApply): HostState[] {
  const names = new Set(
    saved.plan.hosts.filter((host) => !isHostPlanEmpty(host)).map(({ host }) => host),
  );
  return states.filter(({ host, failure }) => failure === undefined && names.has(host.name));
}

/** As root where any play of the host is, so that the record is found again. */
function becomes({ plays = [] }: HostState): boolean {
  return plays.some((play) => play.become);
}

function noRecord({ host }: HostState, stderr: string | undefined): DiagnosticError {
  return new DiagnosticError({
    code: 'plan-record',
    severity: 'error',
    what: 'the host cannot keep the record that this plan was used',
    at: { host: host.name },
    why: stderr?.trim() || 'it gave no answer',
    fix: 'mend what the reason names, and plan again with --out; nothing was changed',
  });
}
