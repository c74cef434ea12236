import { DiagnosticError } from '@skerry/diagnostics';
import type { Host } from '@skerry/inventory';
import type { CheckedDesires } from './checked-desires.ts';
import { since } from './elapsed.ts';
import { expand, type ExpandedPlay } from './expand.ts';
import type { Facts } from './facts.ts';
import { cachedFacts, cacheFacts } from './facts-cache.ts';
import { hostFailure } from './host-link.ts';
import { planHost } from './host-plan.ts';
import type { HostState } from './host-state.ts';
import type { HostPlan } from './plan.ts';
import { isLeft, type PendingHandler } from './pending-handlers.ts';
import { askFirst, readResults, readSteps, sameProbes, type FirstAnswer } from './probe-host.ts';
import type { ValuesOfHosts } from './read-on.ts';
import type { StepReading } from './read-step.ts';
import type { RunRequest } from './request.ts';

/** Runs a task for each host, at most `forks` at a time. */
export type ForEachHost = (
  states: readonly HostState[],
  task: (state: HostState) => Promise<void>,
) => Promise<void>;

/** What probing and planning need beside the request. */
export interface FleetContext {
  readonly request: RunRequest;
  readonly members: ReadonlyMap<string, ReadonlySet<string>>;
  readonly forEachHost: ForEachHost;
  readonly checked: CheckedDesires;
  /** What hosts make for other hosts, join tokens for example. */
  readonly values: ValuesOfHosts;
  /** Tags of all steps that were expanded. */
  readonly knownTags: Set<string>;
  /** What was thrown that is a fault of the program: nothing more is started then. */
  readonly faults: unknown[];
}

/**
 * Reads every host and plans it: facts and, on a guess from the last run's facts, all states in one
 * script; then, with the facts of all hosts at hand, the plays are expanded for good, and only where
 * the guess was wrong is a host asked again. Failures are kept in the host's state.
 */
export async function probeFleet(fleet: FleetContext, states: readonly HostState[]): Promise<void> {
  const { request, forEachHost } = fleet;
  const known = await rememberedFacts(request);
  const started = performance.now();
  await forEachHost(states, async (state) => {
    const { runbook, secrets, signal } = request;
    try {
      const facts = known.get(state.host.name);
      const guess = facts === undefined ? undefined : guessPlays(fleet, state.host, facts, known);
      const become = needsRoot(fleet, state.host);
      const mixed = become && asLoginToo(fleet, state.host);
      const options = { runbook, secrets, signal, become, mixed };
      state.answer = await askFirst(state.link, guess, options);
      state.facts = state.answer.facts;
    } catch (error) {
      fail(request, state, error, signal.aborted ? 'aborted' : 'unreachable');
    }
  });
  const wrong: DiagnosticError[] = [];
  const all = new Map(known);
  for (const { host, facts } of states) if (facts !== undefined) all.set(host.name, facts);
  await forEachHost(states, async (state) => {
    const { answer } = state;
    if (answer === undefined) return;
    try {
      await planOne(fleet, state, answer, all);
      const { name } = state.host;
      await cacheFacts(request.stateFolder, name, answer.facts);
      const changes = state.plan?.plays.reduce((sum, play) => sum + play.steps.length, 0) ?? 0;
      request.emit({
        type: 'host-probed',
        host: name,
        changes,
        milliseconds: since(started),
      });
    } catch (error) {
      if (isOfRunbook(error)) wrong.push(error);
      else fail(request, state, error, 'failed');
    }
  });
  // Not the host's fault, and the same on the next one.
  if (wrong[0] !== undefined) throw wrong[0];
}

function isOfRunbook(error: unknown): error is DiagnosticError {
  return (
    error instanceof DiagnosticError &&
    error.diagnostics.every(({ code }) => code === 'bad-step' || code === 'bad-handler')
  );
}

/** Whether any play that a host takes part in runs as root; facts are then read as root, too. */
function needsRoot({ request, members }: FleetContext, host: Host): boolean {
  return request.runbook.plays.some(
    ({ name, options }) => (options.become ?? true) && members.get(name)?.has(host.name) === true,
  );
}

/** Whether some of its plays run as the login user. */
function asLoginToo({ request, members }: FleetContext, host: Host): boolean {
  return request.runbook.plays.some(
    ({ name, options }) => options.become === false && members.get(name)?.has(host.name) === true,
  );
}

/**
 * The plan of a host from its answer and the facts of all: what was probed on a guess counts where the
 * guess was right; otherwise the host is asked again. `isDone`: nothing more is to come in this run.
 */
export async function planAnswer(
  fleet: FleetContext,
  { host, link }: HostState,
  answer: FirstAnswer,
  all: ReadonlyMap<string, Facts>,
  isDone = false,
): Promise<{ plays: ExpandedPlay[]; readings: StepReading[]; plan: HostPlan }> {
  const plays = expandFor(fleet, host, answer.facts, all, isDone);
  const readings = sameProbes(answer.guess, plays)
    ? await readResults(link, plays, answer.results, fleet.request)
    : await readSteps(link, plays, fleet.request);
  const plan = planHost(host.name, plays, readings, answer.pending, answer.pendingAsLogin);
  return { plays, readings, plan };
}

async function planOne(
  fleet: FleetContext,
  state: HostState,
  answer: FirstAnswer,
  all: ReadonlyMap<string, Facts>,
): Promise<void> {
  const { plays, readings, plan } = await planAnswer(fleet, state, answer, all);
  state.plays = plays;
  state.readings = readings;
  state.plan = plan;
  warnOfUnknown(fleet.request, state.host.name, plays, [
    ...answer.pending,
    ...(answer.pendingAsLogin ?? []),
  ]);
}

/** Tells of handlers that an earlier run left and that are none of this runbook. */
function warnOfUnknown(
  request: RunRequest,
  host: string,
  plays: readonly ExpandedPlay[],
  pending: readonly PendingHandler[],
): void {
  const defined = plays.flatMap((play) => play.steps).flatMap((step) => step.notify);
  for (const left of pending) {
    if (defined.some((handler) => isLeft(left, handler))) continue;
    const { id, other } = left;
    const of = other === undefined ? '' : ` of runbook "${other.runbook}"`;
    request.emit({
      type: 'warning',
      host,
      code: 'unknown-pending-handler',
      what: `the handler "${id}"${of} is pending on this host and this runbook does not define it`,
      why: 'an earlier run notified it and was cut off before it ran',
      fix: `run the runbook that defines it (without --tags, where they leave it out), or do what it does by hand and remove its file in /var/lib/skerry/pending`,
    });
  }
}

/** Expands the plays of one host with the facts of all. */
function expandFor(
  fleet: FleetContext,
  host: Host,
  facts: Facts,
  all: ReadonlyMap<string, Facts>,
  isDone = false,
): ExpandedPlay[] {
  const { request, members, checked, knownTags } = fleet;
  return expand({
    runbook: request.runbook,
    inventory: request.inventory,
    host,
    facts,
    fleet: all,
    members,
    tags: request.tags,
    isDone,
    knownTags,
    resolve: request.templates(host, facts),
    ...(request.bundle === undefined ? {} : { bundle: request.bundle.index }),
    canonical: (text) => request.secrets.canonical(text),
    checked,
  });
}

/** A guess may fail on old facts: then there is none, and the real expansion tells the error. */
function guessPlays(
  fleet: FleetContext,
  host: Host,
  facts: Facts,
  known: ReadonlyMap<string, Facts>,
): ExpandedPlay[] | undefined {
  try {
    return expandFor(fleet, host, facts, known);
  } catch (error) {
    if (error instanceof DiagnosticError) return undefined;
    throw error;
  }
}

async function rememberedFacts(request: RunRequest): Promise<Map<string, Facts>> {
  const known = new Map<string, Facts>();
  const read = request.inventory.hosts.map(async ({ name }) => {
    const facts = await cachedFacts(request.stateFolder, name);
    if (facts !== undefined) known.set(name, facts);
  });
  await Promise.all(read);
  return known;
}

/** Records and tells why a host cannot go on. */
export function fail(
  request: RunRequest,
  state: HostState,
  error: unknown,
  outcome: Parameters<typeof hostFailure>[1],
): void {
  const failure = hostFailure(error, outcome);
  // Plays alongside each other may fail both: the first reason stays, unless nobody knows what was done.
  if (state.failure === undefined || failure.outcome === 'unknown') state.failure = failure;
  request.emit({
    type: 'host-failed',
    host: state.host.name,
    outcome: failure.outcome,
    failure: failure.failure,
  });
}
