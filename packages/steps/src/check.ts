import type { Fragment } from './fragment.ts';
import type { ProbeOutput } from './kind.ts';

/** What a check found wrong, and what to do. */
export interface Finding {
  readonly what: string;
  readonly why?: string;
  readonly fix?: string;
}

/**
 * What came of a check. `looked` says what was looked at, with numbers and names. `skipped` is what
 * was not looked at, with the reason: never the same as passed.
 */
export type Verdict =
  | { readonly status: 'passed'; readonly looked: string }
  | {
      readonly status: 'failed';
      readonly looked: string;
      readonly findings: readonly [Finding, ...Finding[]];
    }
  | { readonly status: 'skipped'; readonly reason: string };

/**
 * Where a check looks: at every node; at each control plane; at the cluster's API, from one control
 * plane; or from the machine of the operator, which stands for everybody outside of the cluster.
 */
export type CheckPlace = 'nodes' | 'control-planes' | 'api' | 'operator';

/**
 * One thing that `verify` looks at. `fragment` runs as root and changes nothing, `judge` is pure.
 * `View` is what the cluster's API said (see `Verification`).
 */
export interface Check<View> {
  /** Stable, lower case with hyphens. */
  readonly id: string;
  readonly title: string;
  readonly on: CheckPlace;
  /** What is looked at, for the reader of a list. */
  readonly looksAt: string;
  /** Seconds for which it is tried again while it fails: what has just been set up needs a moment. */
  readonly settles?: number;
  /** Why it cannot be looked at in this cluster, before anybody is asked. */
  skip?(view: View): string | undefined;
  /** What to run on a host; undefined where nothing is to be seen. Not for `on: operator`. */
  fragment?(view: View, host: string): Fragment | undefined;
  /** What to ask from the operator's machine. Only for `on: operator`. */
  calls?(view: View): readonly OutsideCall[];
  judge(
    view: View,
    answers: ReadonlyMap<string, ProbeOutput>,
    calls: readonly OutsideAnswer[],
  ): Verdict;
}

/** One HTTP request from the operator's machine, and who answers for the address on its segment. */
export interface OutsideCall {
  /** An IP address, and a port. */
  readonly address: string;
  readonly port: number;
}

export interface OutsideAnswer extends OutsideCall {
  readonly result: 'answered' | 'refused' | 'timeout' | 'error';
  /** The body of the answer, or the error. */
  readonly text: string;
  /** The interface where the address is on the operator's own segment; undefined where it is not. */
  readonly segment: string | undefined;
  /** Hardware addresses that answered for it, lower case; undefined where that could not be seen. */
  readonly neighbours: readonly string[] | undefined;
}

/** How a cluster is looked at: what is set up for it, read, checked, and taken away again. */
export interface Verification<View> {
  /** Hosts with kubectl and the right to use it, the first one that answers does it all. */
  readonly api: readonly string[];
  readonly nodes: readonly string[];
  readonly controlPlanes: readonly string[];
  /** Makes what the checks need, after it has removed what an earlier run left. */
  readonly setUp: Fragment;
  /** Seconds that `setUp` may take. */
  readonly deadline: number;
  /** Removes it again; also run after a failure. */
  readonly tearDown: Fragment;
  /** Reads the cluster, before each round of checks. */
  readonly read: Fragment;
  /** Seconds for which `read` is tried again while it fails. */
  readonly patience: number;
  /** Throws where the answer cannot be understood. `setUpFailure`: why `setUp` did not succeed. */
  parse(read: ProbeOutput, setUpFailure: string | undefined): View;
  readonly checks: readonly Check<View>[];
}
