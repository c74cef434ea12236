import type { Connector, Endpoint, SecretBook } from '@skerry/executor';
import type { Host, Inventory } from '@skerry/inventory';
import type { Diagnostic, ExitCode } from '@skerry/diagnostics';
import type { Bundle, ResolveContext } from '@skerry/steps';
import type { Runbook } from './dsl.ts';
import type { HostRecap, RunEvent } from './events.ts';
import type { Facts } from './facts.ts';
import type { AskedHost } from './drift/journal.ts';
import type { HostObservation } from './observation.ts';
import type { PlanToApply } from './plan-file/admit.ts';
import type { Plan } from './plan.ts';
import type { AnyVerification } from './verification/checking.ts';

/** Everything that a run needs; all effects come in through it. */
export interface RunRequest {
  readonly mode: 'plan' | 'apply';
  readonly runbook: Runbook;
  readonly inventory: Inventory;
  /** The hosts selected by `--limit`. */
  readonly hosts: readonly Host[];
  readonly tags?: readonly string[];
  /** How many hosts at a time. */
  readonly forks: number;
  readonly connector: Connector;
  readonly endpointOf: (host: Host) => Endpoint;
  readonly secrets: SecretBook;
  readonly templates: (host: Host, facts: Facts) => ResolveContext;
  /** The folder of a bundle and what its `bundle.json` says. */
  readonly bundle?: { readonly folder: string; readonly index: Bundle };
  /** Where facts and the journal are kept, on this machine: `.skerry` beside the inventory. */
  readonly stateFolder: string;
  /** Ctrl-C: no new step is started; the running ones may end. */
  readonly signal: AbortSignal;
  /** Ctrl-C again: running steps are cut off, and their outcome is unknown. */
  readonly kill?: AbortSignal;
  readonly emit: (event: RunEvent) => void;
  /**
   * Shows the plan and asks; false leaves the hosts as they are. A plan that is given back (the same
   * one, written as JSON and read again) is what is applied. Not called for an empty plan.
   */
  readonly approve: (plan: Plan) => Promise<boolean | Plan>;
  /**
   * Applies this plan and nothing else. `run` throws a DiagnosticError, and nothing is touched, where
   * a host is not as it was when the plan was made, or the plan was used already.
   */
  readonly saved?: PlanToApply;
  /**
   * What does not fit together by the facts that hosts gave in this run. An error among it refuses the
   * run as a whole: `run` throws it as a DiagnosticError, and nothing is changed.
   */
  readonly examine?: (facts: ReadonlyMap<string, Facts>) => readonly Diagnostic[];
  /** How the cluster is looked at after an apply that changed something. */
  readonly verification?: AnyVerification;
}

export interface RunOutcome {
  readonly plan: Plan;
  readonly exitCode: ExitCode;
  readonly hosts: readonly HostRecap[];
  /** Of every host that could be read, before anything was changed. */
  readonly observations: readonly HostObservation[];
  /** What was asked of every host that could be expanded, and whether it is so now. */
  readonly asked: readonly AskedHost[];
}
