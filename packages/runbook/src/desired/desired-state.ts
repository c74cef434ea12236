import { DiagnosticError, type Diagnostic } from '@skerry/diagnostics';
import { selectHosts, type Host, type Inventory } from '@skerry/inventory';
import type { AnyStepKind, ResolveContext } from '@skerry/steps';
import { CheckedDesires } from '../checked-desires.ts';
import type { Runbook } from '../dsl.ts';
import { expand, type ExpandedPlay, type ExpandedStep } from '../expand.ts';
import type { Facts } from '../facts.ts';

/** What one step asks of one host. */
export interface DesiredStep {
  readonly id: string;
  readonly kind: AnyStepKind;
  /** With tokens in place of secrets. */
  readonly desired: unknown;
  /** Ids of the handlers that it notifies, each with what it runs. */
  readonly notify: ReadonlyMap<string, string>;
  readonly needs: readonly string[];
}

export interface DesiredPlay {
  readonly play: string;
  readonly become: boolean;
  readonly steps: readonly DesiredStep[];
}

export interface HostDesired {
  readonly host: string;
  readonly plays: readonly DesiredPlay[];
}

/** All that the desired state of a fleet is made from; no host is asked. */
export interface DesiredSource {
  readonly runbook: Runbook;
  readonly inventory: Inventory;
  /** Of every host of the inventory. */
  readonly facts: ReadonlyMap<string, Facts>;
  readonly resolve: (inventory: Inventory, host: Host, facts: Facts) => ResolveContext;
  readonly tags?: readonly string[];
}

/** Expands hosts of one source, one at a time. Pure, as far as `resolve` is. */
export class DesiredFleet {
  readonly source: DesiredSource;
  readonly #members: ReadonlyMap<string, ReadonlySet<string>>;
  readonly #checked = new CheckedDesires();

  constructor(source: DesiredSource, members?: ReadonlyMap<string, ReadonlySet<string>>) {
    this.source = source;
    this.#members =
      members ??
      new Map(
        source.runbook.plays.map(({ name, options }) => [
          name,
          new Set(
            selectHosts(source.inventory, options.hosts, {
              source: `play "${name}"`,
              allowEmpty: true,
            }).map((host) => host.name),
          ),
        ]),
      );
  }

  /** Another inventory; `moves`: it may have other hosts, groups or roles. */
  with(inventory: Inventory, moves: boolean): DesiredFleet {
    return new DesiredFleet({ ...this.source, inventory }, moves ? undefined : this.#members);
  }

  withFacts(facts: DesiredSource['facts']): DesiredFleet {
    return new DesiredFleet({ ...this.source, facts }, this.#members);
  }

  /** Throws a DiagnosticError where the runbook cannot be expanded for this host. */
  of(host: Host): HostDesired {
    const { runbook, inventory, facts, resolve, tags } = this.source;
    const own = facts.get(host.name);
    if (own === undefined) throw new Error(`no facts of ${host.name}`);
    const plays = expand({
      runbook,
      inventory,
      host,
      facts: own,
      fleet: facts,
      members: this.#members,
      tags,
      resolve: resolve(inventory, host, own),
      canonical: (text) => text,
      checked: this.#checked,
    });
    return {
      host: host.name,
      plays: desiredPlays(plays),
    };
  }

  /**
   * The desired state of many hosts. Throws one DiagnosticError with all that is wrong; the same on
   * several hosts is told once.
   */
  all(hosts: readonly Host[]): HostDesired[] {
    const wrong = new Map<string, Diagnostic>();
    const done = hosts.flatMap((host) => {
      try {
        return [this.of(host)];
      } catch (error) {
        if (!(error instanceof DiagnosticError)) throw error;
        for (const one of error.diagnostics) {
          const key = JSON.stringify([one.code, one.what]);
          if (!wrong.has(key)) wrong.set(key, one);
        }
        return [];
      }
    });
    if (wrong.size > 0) throw new DiagnosticError([...wrong.values()]);
    return done;
  }
}

/** What expanded plays ask for. */
export function desiredPlays(plays: readonly ExpandedPlay[]): readonly DesiredPlay[] {
  return plays.map(({ play, become, steps }) => ({
    play,
    become,
    steps: steps.map(desiredStep),
  }));
}

const none: ReadonlyMap<string, string> = new Map();

function desiredStep({ id, kind, desired, notify, needs }: ExpandedStep): DesiredStep {
  return {
    id,
    kind,
    desired,
    notify:
      notify.length === 0
        ? none
        : new Map(notify.map((handler) => [handler.id, JSON.stringify(handler.fragment)])),
    needs,
  };
}
