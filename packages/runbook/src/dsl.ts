import type { SourcePosition } from '@skerry/diagnostics';
import type { Host, Inventory } from '@skerry/inventory';
import type { Bundle, Step } from '@skerry/steps';
import type { Serial } from './batches.ts';
import type { Facts } from './facts.ts';
import { callerPlace } from './step-place.ts';

/** What the body of a play sees: the host with its facts, and the whole inventory. */
export interface PlayContext {
  readonly host: Host & { readonly facts: Facts };
  readonly cluster: Inventory['cluster'];
  readonly inventory: Inventory;
  /** Facts of every host that is known, by name: for rules that compare hosts. */
  readonly fleet: ReadonlyMap<string, Facts>;
  /**
   * Whether steps with this tag are still to come in this run: false where `--tags` leaves them out, and
   * in the second look, when all is done; with `host` also where that has no part in the run. For what
   * another host becomes by such a step.
   */
  readonly isComing: (tag: string, host?: string) => boolean;
  /** What `--bundle` or the inventory names; undefined where the hosts fetch everything themselves. */
  readonly bundle?: Bundle;
}

export interface PlayOptions {
  /** A selection as in `--limit`: `all`, `workers:!node-03`, `role=control-plane`. */
  readonly hosts: string;
  /** How many hosts at a time: a number, a percentage of the play's hosts, or a list of batches. */
  readonly serial?: Serial;
  readonly tags?: readonly string[];
  /** Leaves out hosts for which this is false. */
  readonly when?: (context: PlayContext) => boolean;
  /**
   * Start no further batch or play when more than this share of the play's hosts failed. Default: 0
   * with `serial` (a rolling change stops at the first failure), 100 without (the others go on).
   */
  readonly maxFailPercentage?: number;
  /**
   * The name of the play right before this one (or the first of several) at whose time it runs, too.
   * On a host with steps in both none may need one of the others, notify their handlers or reboot.
   */
  readonly alongside?: string;
  /** Run as root by way of sudo; default true. */
  readonly become?: boolean;
}

export interface Play {
  readonly name: string;
  readonly options: PlayOptions;
  readonly body: (context: PlayContext) => readonly Step[];
  /** Where it begins in the runbook; set by `play`. */
  readonly at?: SourcePosition;
}

export interface Runbook {
  readonly name: string;
  readonly description: string;
  readonly plays: readonly Play[];
  /**
   * What stands in for a plain yes: the name of the cluster, typed, or given with `--cluster` where
   * nobody is asked. For what cannot be taken back.
   */
  readonly consent?: 'cluster-name';
}

/** A part of a runbook: steps for some hosts, with its own batches and failure policy. */
export function play(
  name: string,
  options: PlayOptions,
  body: (context: PlayContext) => readonly Step[],
): Play {
  const at = callerPlace();
  return { name, options, body, ...(at === undefined ? {} : { at }) };
}

/** The default export of a runbook file. */
export function runbook(definition: Runbook): Runbook {
  return definition;
}
