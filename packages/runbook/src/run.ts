import { randomUUID } from 'node:crypto';
import { DiagnosticError, ExitCode, FaultError } from '@skerry/diagnostics';
import type { Host } from '@skerry/inventory';
import pLimit from 'p-limit';
import { applyPlays, failOrFault } from './apply-plays.ts';
import { demandArtifacts } from './artifact-supply.ts';
import { Breakdown } from './breakdown.ts';
import { CheckedDesires } from './checked-desires.ts';
import { desiredPlays } from './desired/desired-state.ts';
import { since } from './elapsed.ts';
import { requireHosts, requireTags } from './empty-selection.ts';
import { HostFailure, HostLink } from './host-link.ts';
import { newHostState, recapOf, type HostState } from './host-state.ts';
import { lockOwner } from './lock.ts';
import { members } from './members.ts';
import { observationOf } from './observation.ts';
import { admitPlan, claimPlan } from './plan-file/admit.ts';
import { countPlan, isEmpty, isHostPlanEmpty, type Plan } from './plan.ts';
import { fail, probeFleet, type FleetContext, type ForEachHost } from './probe-fleet.ts';
import { ValuesOfHosts } from './read-on.ts';
import { refusalFailure } from './refusal.ts';
import type { RunOutcome, RunRequest } from './request.ts';
import { verify } from './verify.ts';
import { beginVerification } from './verification/after-apply.ts';
import type { ChecksOutcome } from './verification/run-checks.ts';
import { countReports } from './verification/report.ts';

/**
 * A run from the first question to the recap: expand, probe, plan and, with mode `apply`, approve,
 * apply, verify. What happens is told by events; what went wrong with a host is in its recap.
 * Throws a DiagnosticError only for what is wrong with the runbook or the request as a whole.
 */
export async function run(given: RunRequest): Promise<RunOutcome> {
  const started = performance.now();
  const breakdown = new Breakdown();
  const request = { ...given, emit: breakdown.listen(given.emit) };
  const { runbook, inventory, emit } = request;
  const selected = members(request);
  const taking = request.hosts.filter(({ name }) =>
    [...selected.values()].some((hosts) => hosts.has(name)),
  );
  requireHosts(request, taking.length);
  const id = randomUUID();
  const states = taking.map((host) => newHostState(host, linkTo(request, host, id)));
  const fleet: FleetContext = {
    request,
    members: selected,
    forEachHost: limited(request.forks),
    checked: new CheckedDesires(),
    values: valuesFor(request, states, id),
    knownTags: new Set(),
    faults: [],
  };
  emit({
    type: 'run-started',
    mode: request.mode,
    runbook: runbook.name,
    cluster: inventory.cluster.name,
    hosts: names(states),
  });
  try {
    emit({ type: 'phase', phase: 'probe', hosts: names(states) });
    await probeFleet(fleet, states);
    demandFit(request, states);
    // A host that could not be expanded may have the steps with the tag.
    if (states.every(({ plays }) => plays !== undefined)) requireTags(request, fleet.knownTags);
    const plan: Plan = {
      schema: 1,
      runbook: runbook.name,
      cluster: inventory.cluster.name,
      order: runbook.plays.map(({ name }) => name),
      hosts: states.flatMap((state) => (state.plan === undefined ? [] : [state.plan])),
    };
    const observations = states.flatMap((state) => observationOf(state) ?? []);
    if (mayApply(request, states) && request.saved !== undefined) {
      await admitPlan(request, fleet.forEachHost, states, plan, request.saved);
    }
    await demandArtifacts(request.saved?.plan ?? plan, request.bundle);
    emit({ type: 'planned', count: countPlan(plan) });
    emit({ type: 'plan', plan });
    for (const state of states) refuse(request, state);
    const checked = request.mode === 'apply' ? await applyPlan(fleet, states, plan, id) : undefined;
    const recaps = states.map((state) => recapOf(state, request.mode));
    const exitCode = exitCodeOf(request, states) || (checked?.exitCode ?? ExitCode.done);
    const spent = breakdown.rows();
    emit({
      type: 'run-finished',
      exitCode,
      hosts: recaps,
      verified: states.every((state) => state.verified),
      ...(checked === undefined ? {} : { checks: countReports(checked.reports) }),
      ...(spent === undefined ? {} : { breakdown: [...spent] }),
      milliseconds: since(started),
    });
    if (fleet.faults.length > 0) throw new FaultError(fleet.faults[0], exitCode);
    return { plan, exitCode, hosts: recaps, observations, asked: askedOf(states) };
  } finally {
    await Promise.all([fleet.values.close(), ...states.map((state) => state.link.close())]);
  }
}

function askedOf(states: readonly HostState[]): RunOutcome['asked'] {
  return states.flatMap(({ host, plays, verified }) =>
    plays === undefined ? [] : [{ host: host.name, verified, plays: desiredPlays(plays) }],
  );
}

function valuesFor(request: RunRequest, states: readonly HostState[], id: string): ValuesOfHosts {
  return new ValuesOfHosts({
    secrets: request.secrets,
    linkOf: (name) => states.find(({ host }) => host.name === name)?.link,
    openLink: (name) => {
      const host = request.inventory.hosts.find((one) => one.name === name);
      return host === undefined ? undefined : linkTo(request, host, id);
    },
  });
}

const names = (states: readonly HostState[]): string[] => states.map(({ host }) => host.name);

function limited(forks: number): ForEachHost {
  const limit = pLimit(forks);
  return async (states, task) => {
    await Promise.all(states.map((state) => limit(() => task(state))));
  };
}

function linkTo(request: RunRequest, host: Host, run: string): HostLink {
  const link = new HostLink(host.name, request.connector, request.endpointOf(host));
  if (request.mode === 'apply') {
    link.holdLock(lockOwner(), run);
  }
  return link;
}

/** Refuses the run where hosts are not what the inventory needs them to be. */
function demandFit(request: RunRequest, states: readonly HostState[]): void {
  const facts = new Map(
    states.flatMap(({ host, facts: known }) =>
      known === undefined ? [] : [[host.name, known] as const],
    ),
  );
  const found = request.examine?.(facts) ?? [];
  if (found.some(({ severity }) => severity === 'error')) throw new DiagnosticError(found);
}

/** A host with a rule that does not hold now is left alone as a whole. */
function refuse(request: RunRequest, state: HostState): void {
  const sure = (state.plan?.plays ?? []).flatMap(({ play, steps }) =>
    steps
      .filter((step) => step.confidence.level !== 'conditional')
      .flatMap((step) => step.changes.map((change) => ({ play, step: step.id, change }))),
  );
  const [first, ...others] = sure.filter(({ change }) => change.action === 'refuse');
  if (first === undefined || state.failure !== undefined) return;
  fail(request, state, refusalFailure([first, ...others]), 'refused');
}

/** Nothing is changed while any host is locked by somebody else, nor after Ctrl-C. */
function mayApply(request: RunRequest, states: readonly HostState[]): boolean {
  return request.mode === 'apply' && lockedHosts(states).length === 0 && !request.signal.aborted;
}

/** Those whose lock another run holds, or this one under another name of the same machine. */
function lockedHosts(states: readonly HostState[]): readonly HostState[] {
  return states.filter(
    ({ failure }) => failure?.outcome === 'locked' || failure?.failure.code === 'same-machine',
  );
}

/** Says of the hosts with changes why nothing was started on them. */
function skipForLocks(states: readonly HostState[]): void {
  const locked = lockedHosts(states);
  if (locked.length === 0) return;
  for (const state of states) {
    if (state.failure !== undefined || state.verified || state.plan === undefined) continue;
    state.failure = new HostFailure('skipped', {
      code: 'not-started',
      what: 'nothing was started on this host',
      why: `the lock of ${names(locked).join(', ')} could not be had, and nothing is changed anywhere while one of the selected hosts is locked`,
      fix: 'run apply again later, or leave the locked hosts out with --limit',
    });
  }
}

/** Gives what the look at the cluster found that follows; undefined where there was none. */
async function applyPlan(
  fleet: FleetContext,
  states: readonly HostState[],
  plan: Plan,
  run: string,
): Promise<ChecksOutcome | undefined> {
  const { request } = fleet;
  for (const state of states) {
    if (state.failure === undefined && state.plan !== undefined) {
      state.verified = isHostPlanEmpty(state.plan);
    }
  }
  skipForLocks(states);
  if (isEmpty(plan) || !mayApply(request, states)) return undefined;
  const approved = await request.approve(request.saved?.plan ?? plan);
  if (approved === false) return undefined;
  if (request.saved !== undefined) {
    await claimPlan(request, fleet.forEachHost, states, request.saved);
  }
  if (approved !== true) {
    for (const state of states) {
      const reread = approved.hosts.find(({ host }) => host === state.host.name);
      if (reread !== undefined) state.plan = reread;
    }
  }
  const applying = states.filter((state) => state.failure === undefined && !state.verified);
  request.emit({ type: 'phase', phase: 'apply', hosts: names(applying) });
  await applyPlays(fleet, states);
  const begun = beginVerification(request, states, run);
  let checked: ChecksOutcome | undefined;
  try {
    await verify(fleet, states, (state, error) => failOrFault(fleet, state, error));
  } finally {
    checked = await begun?.finish();
  }
  return checked;
}

function exitCodeOf(request: RunRequest, states: readonly HostState[]): ExitCode {
  const outcomes = new Set(states.map((state) => state.failure?.outcome));
  if (outcomes.has('unknown')) return ExitCode.outcomeUnknown;
  if (outcomes.has('locked')) return ExitCode.locked;
  if (states.some(({ failure }) => failure !== undefined && failure.outcome !== 'aborted')) {
    return ExitCode.hostsFailed;
  }
  if (request.signal.aborted || outcomes.has('aborted')) return ExitCode.error;
  return ExitCode.done;
}
