import type { z } from 'zod';
import type { Change } from './change.ts';
import type { Fragment } from './fragment.ts';

/** What a probe fragment printed. `utf8` is false where stdout held bytes that are no UTF-8. */
export interface ProbeOutput {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly utf8: boolean;
}

/**
 * A step kind: pure functions from data to POSIX sh, and from what the host said back to data.
 * No function of a kind does I/O or knows a host, a clock or a random number.
 *
 * - `schema` checks the desired state and fills in its defaults.
 * - `probe` reads the state and changes nothing. It exits 0 when the state could be read, also when
 *   the thing is absent; another status means that the state is unknown, and the host fails.
 * - `parse` reads the probe's output; it throws where the output cannot be understood.
 * - `diff` gives the changes; none means converged.
 * - `converge` brings the desired state about. It must be safe on any observed state (it depends on
 *   `desired`; `changes` may only leave out work) and safe to run again after a crash half way.
 */
export interface StepKind<Desired, Observed> {
  readonly kind: string;
  readonly schema: z.ZodType<Desired>;
  probe(desired: Desired): Fragment;
  parse(output: ProbeOutput, desired: Desired): Observed;
  diff(desired: Desired, observed: Observed): readonly Change[];
  /**
   * What is left to read where the first answer leaves something open; like `probe` it changes nothing.
   * `parse` is then given both answers as one, this one behind the other. A converged host is to have no
   * need of it: it costs a round trip more.
   */
  probeFurther?(desired: Desired, observed: Observed): Fragment | undefined;
  converge(desired: Desired, changes: readonly Change[]): Fragment;
  /** One line for the reader of a plan: what this step asks for. */
  summary(desired: Desired): string;
  /**
   * What is compared, and shown, where two desired states are told apart: revisions, or the last apply
   * and now. Maps of texts read best. Left out where that is the desired state as it stands.
   */
  asked?(desired: Desired): unknown;
  /** How many times the probe called the Kubernetes API, where it did: the recap tells it. */
  apiCalls?(observed: Observed): number;
  /**
   * Whether what is planned holds whatever the steps do that this one needs: then it is not probed again
   * after them. (Of a cluster that they begin nobody has to ask what there is in it.)
   */
  foresees?(desired: Desired, observed: Observed): boolean;
  /** Why nobody can say beforehand what the change will do, where that is so. */
  opaque?(desired: Desired): string;
  /** `reboot`: after `converge` the connection drops, and the engine waits for a new boot id. */
  readonly afterConverge?: 'reboot';
  /** How long `converge` may run, in seconds; the engine's default is 600. */
  deadline?(desired: Desired): number;
  /**
   * What a refusal may wait for after a step that this one needs has run, and how many seconds: it is
   * probed again until the refusal is gone (a clock that has just been given its servers).
   */
  settles?(desired: Desired): { readonly awaited: string; readonly seconds: number } | undefined;
}

/** A kind whose types the engine need not know. */
// oxlint-disable-next-line typescript/no-explicit-any -- Desired stands in both directions
export type AnyStepKind = StepKind<any, any>;

/** What a step may ask of the engine while a runbook is expanded for one host. */
export interface ResolveContext {
  /** Renders a template by name with the host's variables and `extra`. */
  render(template: string, extra: Readonly<Record<string, unknown>>): string;
  /** Reads a file that lies beside the runbooks (`files/…`). */
  source(name: string): FileContent;
  /**
   * The text of a manifest of the bundle, by its name. Throws a DiagnosticError where there is no
   * bundle, or where it has none of that name.
   */
  manifest(name: string): string;
  /** What `helm template` makes of a chart of the bundle; errors as for `manifest`. */
  chart(name: string, options: ChartOptions): string;
}

export interface ChartOptions {
  readonly release: string;
  readonly namespace: string;
  readonly values: Readonly<Record<string, unknown>>;
}

/** Text, or bytes as base64. */
export type FileContent = string | { readonly base64: string };

/** Runs at the end of its play when a step that notifies it changed something. */
export interface Handler {
  /** Unique in a play: `restart containerd`; letters, digits, space and `._@-` only. */
  readonly id: string;
  readonly fragment: Fragment;
}

export interface StepOptions {
  readonly notify?: Handler | readonly Handler[];
  /** Steps whose change can alter what this one finds: it is probed again after they ran. */
  readonly needs?: Step | readonly Step[];
  readonly tags?: readonly string[];
  /** false leaves the step out, and the plan says so. */
  readonly when?: boolean;
}

/** A step of a play: a kind, a name unique for that kind in its runbook, and what is desired. */
export interface Step {
  readonly kind: AnyStepKind;
  readonly name: string;
  /** The desired state as the user wrote it, or how to get it while the runbook is expanded. */
  readonly desired: unknown;
  readonly resolve?: (context: ResolveContext) => unknown;
  readonly options: StepOptions;
}

/** `sysctl kubernetes`: how a step is called in plans, in `needs` and in messages. */
export function stepId(step: Pick<Step, 'kind' | 'name'>): string {
  return step.name === '' ? step.kind.kind : `${step.kind.kind} ${step.name}`;
}
