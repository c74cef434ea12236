import type { Host } from '@skerry/inventory';
import type { HostOutcome, HostRecap } from './events.ts';
import type { ExpandedPlay } from './expand.ts';
import type { Facts } from './facts.ts';
import type { HostFailure, HostLink } from './host-link.ts';
import type { FirstAnswer } from './probe-host.ts';
import { isHostPlanEmpty, type HostPlan } from './plan.ts';
import type { StepReading } from './read-step.ts';

/** What a run knows of one host, from the first question to the recap. */
export interface HostState {
  readonly host: Host;
  readonly link: HostLink;
  readonly changed: Set<string>;
  readonly handled: Set<string>;
  /** Handlers that were notified and have not run. */
  readonly due: Set<string>;
  /** Names of the plays that ran to their end, or that had nothing to do. */
  readonly finished: Set<string>;
  answer?: FirstAnswer;
  facts?: Facts;
  plays?: readonly ExpandedPlay[];
  /** Of all steps of `plays`, in their order. */
  readings?: readonly StepReading[];
  plan?: HostPlan;
  failure?: HostFailure;
  verified: boolean;
}

export function newHostState(host: Host, link: HostLink): HostState {
  return {
    host,
    link,
    changed: new Set(),
    handled: new Set(),
    due: new Set(),
    finished: new Set(),
    verified: false,
  };
}

/** Whether something on the host was changed, or may have been. */
export function touched(state: HostState): boolean {
  return state.changed.size > 0 || state.handled.size > 0 || state.failure?.outcome === 'unknown';
}

function outcomeOf(state: HostState, mode: 'plan' | 'apply'): HostOutcome {
  if (state.failure !== undefined) return state.failure.outcome;
  if (state.plan === undefined) return 'skipped';
  if (touched(state)) return 'changed';
  if (isHostPlanEmpty(state.plan)) return 'converged';
  return mode === 'plan' ? 'planned' : 'skipped';
}

/** What the kinds say of their probes. */
function apiCallsOf({ plays, readings }: HostState): number {
  const steps = (plays ?? []).flatMap((play) => play.steps);
  return steps.reduce((sum, { kind }, index) => {
    const reading = readings?.[index];
    if (reading === undefined || !('changes' in reading)) return sum;
    return sum + (kind.apiCalls?.(reading.observed) ?? 0);
  }, 0);
}

export function recapOf(state: HostState, mode: 'plan' | 'apply'): HostRecap {
  const plays = state.plan?.plays ?? [];
  const calls = touched(state) ? 0 : apiCallsOf(state);
  return {
    host: state.host.name,
    outcome: outcomeOf(state, mode),
    changed: state.changed.size,
    converged: plays.reduce((sum, play) => sum + play.converged, 0),
    handlers: state.handled.size,
    ...(state.due.size === 0 ? {} : { due: [...state.due] }),
    execs: state.link.execs,
    ...(calls === 0 ? {} : { apiCalls: calls }),
    ...(state.failure === undefined ? {} : { failure: state.failure.failure }),
  };
}
