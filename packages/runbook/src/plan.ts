import type { Change, Fragment } from '@skerry/steps';

/**
 * How sure a change is. `exact`: apply runs just this. `conditional`: a step named in `on` changes
 * first, and what this one finds may then be different; it is probed again before it runs, unless it is
 * `foreseen`: then apply runs just this, once those steps are done.
 * `opaque`: nobody can say beforehand what the command will do, for the reason given.
 */
export type Confidence =
  | { readonly level: 'exact' }
  | {
      readonly level: 'conditional';
      readonly on: readonly string[];
      readonly foreseen?: true | undefined;
    }
  | { readonly level: 'opaque'; readonly why: string };

/** One step of one host that is to change, with the very scripts that apply will send. */
export interface StepPlan {
  /** `sysctl kubernetes`, unique in its play. */
  readonly id: string;
  readonly summary: string;
  readonly changes: readonly Change[];
  readonly confidence: Confidence;
  readonly converge: Fragment;
  /** Ids of handlers that this step notifies. */
  readonly notify: readonly string[];
}

/** A handler that will run at the end of a play. */
export interface HandlerPlan {
  readonly id: string;
  readonly fragment: Fragment;
  /** Ids of the steps that notify it; empty where only an earlier run left it. */
  readonly because: readonly string[];
  /** An earlier run notified it and did not come to run it. */
  readonly leftover: boolean;
}

export interface PlayPlan {
  readonly play: string;
  readonly steps: readonly StepPlan[];
  readonly handlers: readonly HandlerPlan[];
  /** Steps that are as desired already. */
  readonly converged: number;
  /** Steps left out by `when`, with their ids. */
  readonly skipped: readonly string[];
}

export interface HostPlan {
  readonly host: string;
  readonly plays: readonly PlayPlan[];
}

/** What apply will do: a plain value that survives JSON unchanged. */
export interface Plan {
  readonly schema: 1;
  readonly runbook: string;
  readonly cluster: string;
  /** The names of all plays, in the order in which they run. */
  readonly order: readonly string[];
  readonly hosts: readonly HostPlan[];
}

/** Number of steps and handlers that a plan would run, by confidence; `refused` steps hold a `refuse`. */
export interface PlanCount {
  readonly hosts: number;
  readonly changedHosts: number;
  readonly steps: number;
  readonly changes: number;
  readonly handlers: number;
  readonly exact: number;
  readonly conditional: number;
  readonly opaque: number;
  readonly refused: number;
}

export function isEmpty(plan: Plan): boolean {
  return plan.hosts.every(isHostPlanEmpty);
}

export function isHostPlanEmpty(plan: HostPlan): boolean {
  return plan.plays.every((play) => play.steps.length === 0 && play.handlers.length === 0);
}

export function countPlan(plan: Plan): PlanCount {
  const plays = plan.hosts.flatMap((host) => host.plays);
  const steps = plays.flatMap((play) => play.steps);
  const at = (level: Confidence['level']): number =>
    steps.filter((step) => step.confidence.level === level).length;
  return {
    hosts: plan.hosts.length,
    changedHosts: plan.hosts.filter((host) => !isHostPlanEmpty(host)).length,
    steps: steps.length,
    changes: steps.reduce((sum, step) => sum + step.changes.length, 0),
    handlers: plays.reduce((sum, play) => sum + play.handlers.length, 0),
    exact: at('exact'),
    conditional: at('conditional'),
    opaque: at('opaque'),
    refused: steps.filter((step) => step.changes.some((change) => change.action === 'refuse'))
      .length,
  };
}
