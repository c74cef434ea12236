import { DiagnosticError } from '@skerry/diagnostics';
import { alongsideFile, sh } from '@skerry/steps';
import { applyPlay } from './apply-host.ts';
import { batches, tooManyFailed } from './batches.ts';
import type { Play } from './dsl.ts';
import { HostFailure, type HostLink } from './host-link.ts';
import type { HostState } from './host-state.ts';
import { toPart } from './parts.ts';
import { fail, type FleetContext } from './probe-fleet.ts';
import type { RunRequest } from './request.ts';
import { sideBySide } from './side-by-side.ts';

/** Milliseconds for making a file, or taking it away. */
const markDeadline = 60_000;

/**
 * Applies the plays of a runbook, those that stand alongside each other at the same time. Once a host has
 * failed nothing is done at the same time any more: what is alongside may wait for what that host was to do.
 * What goes wrong with a host is told, and kept in its state.
 */
export async function applyPlays(fleet: FleetContext, states: readonly HostState[]): Promise<void> {
  for (const plays of sideBySide(fleet.request.runbook.plays)) {
    if (!(await applyTogether(fleet, plays, states))) return;
  }
}

/** False when the failure policy of one of the plays says that nothing more is to be started. */
async function applyTogether(
  fleet: FleetContext,
  plays: readonly Play[],
  states: readonly HostState[],
): Promise<boolean> {
  const takingPart = (some: readonly Play[]): readonly HostState[] =>
    states.filter(
      ({ failure, plan }) =>
        failure === undefined && some.some((play) => playOf(plan, play) !== undefined),
    );
  const [first, ...others] = plays;
  const waiting =
    takingPart(first === undefined ? [] : [first]).length > 0 ? takingPart(others) : [];
  const together = states.every(({ failure }) => failure === undefined);
  const linkOf = ({ link }: HostState): HostLink => link;
  if (waiting.length > 0) await mark(fleet, waiting, together, linkOf);
  if (!together || waiting.length === 0) {
    for (const play of plays) {
      if (!(await applyPlayToFleet(fleet, play, states, linkOf))) return false;
    }
    return true;
  }
  // A host that takes part in several of them does so by as many shells.
  const busy = new Set<HostState>();
  // Once the first play has ended, the shells of those that took part in it are idle; others are at work. One
  // that failed may have lost its own.
  const free =
    (taking: readonly HostState[]) =>
    (state: HostState): HostLink =>
      taking.includes(state) && state.failure === undefined
        ? state.link
        : fleet.values.link(state.host.name);
  const going = plays.map(async (play) => {
    const taking = states.filter(({ plan }) => playOf(plan, play) !== undefined);
    const lanes = new Map(
      taking.filter((state) => busy.has(state)).map((state) => [state, state.link.lane()]),
    );
    for (const state of taking) busy.add(state);
    try {
      return await applyPlayToFleet(fleet, play, states, (state) => lanes.get(state) ?? state.link);
    } finally {
      if (play === first) await mark(fleet, waiting, false, free(taking));
    }
  });
  return (await Promise.all(going)).every(Boolean);
}

/**
 * Makes the file that says on these hosts that the first of the plays goes on, or takes it away. Where that
 * fails the host is lost, which its own steps tell.
 */
async function mark(
  { request }: FleetContext,
  states: readonly HostState[],
  going: boolean,
  linkOf: (state: HostState) => HostLink,
): Promise<void> {
  const code = going ? 'mkdir -p "${1%/*}" && : >"$1"' : 'rm -f "$1"';
  const part = toPart(sh(code, alongsideFile), request.secrets);
  await Promise.allSettled(
    states.map((state) => linkOf(state).run(true, [part], { deadline: markDeadline })),
  );
}

/** False when the failure policy says that nothing more is to be started. */
async function applyPlayToFleet(
  fleet: FleetContext,
  play: Play,
  states: readonly HostState[],
  linkOf: (state: HostState) => HostLink,
): Promise<boolean> {
  const { request } = fleet;
  const chosen = fleet.members.get(play.name);
  const all = states.filter(({ host }) => chosen?.has(host.name) === true);
  const tolerated = play.options.maxFailPercentage ?? (play.options.serial === undefined ? 100 : 0);
  const stop = (): boolean =>
    request.signal.aborted ||
    fleet.faults.length > 0 ||
    tooManyFailed(all.filter(({ failure }) => failure !== undefined).length, all.length, tolerated);
  if (stop()) return halted(request, play, all);
  const due = all.filter(
    ({ failure, plan }) => failure === undefined && playOf(plan, play) !== undefined,
  );
  const rounds = batches(due, play.options.serial);
  for (const [index, batch] of rounds.entries()) {
    if (stop()) return halted(request, play, all);
    request.emit({
      type: 'play-started',
      play: play.name,
      batch: index + 1,
      batches: rounds.length,
      hosts: batch.map(({ host }) => host.name),
    });
    await fleet.forEachHost(batch, (state) => applyToHost(fleet, play, state, linkOf(state)));
  }
  return !stop() || halted(request, play, all);
}

function playOf(
  plan: HostState['plan'],
  play: Play,
): NonNullable<HostState['plan']>['plays'][number] | undefined {
  const found = plan?.plays.find(({ play: name }) => name === play.name);
  return found === undefined || found.steps.length + found.handlers.length === 0
    ? undefined
    : found;
}

function halted(request: RunRequest, play: Play, states: readonly HostState[]): false {
  const failed = states.filter(({ failure }) => failure !== undefined);
  if (!request.signal.aborted) {
    request.emit({
      type: 'warning',
      code: 'play-halted',
      what: `nothing more is started: ${failed.length} of ${states.length} hosts of play "${play.name}" failed`,
      why: 'more than the failure policy of this play allows (maxFailPercentage)',
      fix: 'mend the failed hosts and run apply again, or leave them out with --limit',
    });
  }
  return false;
}

async function applyToHost(
  fleet: FleetContext,
  play: Play,
  state: HostState,
  link: HostLink,
): Promise<void> {
  const { request } = fleet;
  const plan = playOf(state.plan, play);
  const expanded = state.plays?.find(({ play: name }) => name === play.name);
  if (plan === undefined || expanded === undefined || state.failure !== undefined) return;
  const { secrets, signal, kill, emit } = request;
  const { changed, handled, due } = state;
  for (const { id, leftover } of plan.handlers) if (leftover) due.add(id);
  try {
    const { name: runbook } = request.runbook;
    const { values } = fleet;
    const context = { link, runbook, secrets, signal, kill, emit, changed, handled, due, values };
    await applyPlay({ ...context, bundle: request.bundle }, plan, expanded);
    state.finished.add(play.name);
  } catch (error) {
    failOrFault(fleet, state, error);
  }
}

/** A fault of the program leaves a host in a state that nobody knows, and the others their recap. */
export function failOrFault(fleet: FleetContext, state: HostState, error: unknown): void {
  if (error instanceof HostFailure || error instanceof DiagnosticError) {
    return fail(fleet.request, state, error, 'failed');
  }
  fleet.faults.push(error);
  const fault = new HostFailure('unknown', {
    code: 'internal',
    what: 'a fault of Skerry stopped the work on this host: what was done is unknown',
    why: error instanceof Error ? error.message : String(error),
    fix: 'run plan: it reads what the host is like now; and please report what stands below',
  });
  fail(fleet.request, state, fault, 'unknown');
}
