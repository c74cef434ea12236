import { formatPosition } from '@skerry/diagnostics';
import type { Host, Inventory } from '@skerry/inventory';
import { CauseFinder, compareDesired, type HostDesired, type StepDelta } from '@skerry/runbook';
import type { RevisionSide } from './revision-side.ts';
import { sourceEdits } from './source-edits.ts';

/** What is asked for differently of one host by one step, and what caused it. */
export interface Difference extends StepDelta {
  readonly host: string;
  /** `inventory/oslo.yaml:14:9 (group workers): node.swap: true → false`, one line each. */
  readonly because: readonly string[];
}

/** A host that is in one of two revisions only. */
export interface HostPresence {
  readonly host: string;
  readonly at: string;
  /** How many steps are asked of it, where it is. */
  readonly steps: number;
}

export interface RevisionDiff {
  readonly hosts: readonly string[];
  readonly differences: readonly Difference[];
  readonly added: readonly HostPresence[];
  readonly removed: readonly HostPresence[];
}

/** Compares the desired states of two revisions, for the hosts that `selected` names. */
export function compareRevisions(
  before: RevisionSide,
  after: RevisionSide,
  options: { readonly top: string; readonly selected: (inventory: Inventory) => readonly Host[] },
): RevisionDiff {
  const [first, second] = [before.fleet.source.inventory, after.fleet.source.inventory];
  const was = new Map(options.selected(first).map((host) => [host.name, host]));
  const is = new Map(options.selected(second).map((host) => [host.name, host]));
  const wanted = desiredOf(before, [...was.values()]);
  const wants = desiredOf(after, [...is.values()]);
  const changed = [...is.values()].flatMap((host) => {
    const other = was.get(host.name);
    if (other === undefined) return [];
    const deltas = compareDesired(wanted.get(host.name), wants.get(host.name));
    return deltas.length === 0 ? [] : [{ other, host, deltas }];
  });
  const finder = new CauseFinder({
    before: before.fleet,
    after: after.fleet,
    edits: changed.length === 0 ? [] : sourceEdits(before, after, options.top),
  });
  const differences = changed.flatMap(({ other, host, deltas }) => {
    const causes = finder.of(
      { inventory: first, host: other },
      { inventory: second, host },
      deltas,
    );
    return deltas.map((delta) => ({
      ...delta,
      host: host.name,
      because: causes.get(delta.id) ?? [],
    }));
  });
  const presence = (host: Host, desired: HostDesired | undefined): HostPresence => ({
    host: host.name,
    at: formatPosition(host.at),
    steps: (desired?.plays ?? []).reduce((sum, play) => sum + play.steps.length, 0),
  });
  return {
    hosts: [...new Set([...is.keys(), ...was.keys()])],
    differences,
    added: [...is.values()]
      .filter(({ name }) => !was.has(name))
      .map((host) => presence(host, wants.get(host.name))),
    removed: [...was.values()]
      .filter(({ name }) => !is.has(name))
      .map((host) => presence(host, wanted.get(host.name))),
  };
}

function desiredOf(side: RevisionSide, hosts: readonly Host[]): Map<string, HostDesired> {
  try {
    return new Map(side.fleet.all(hosts).map((host) => [host.host, host]));
  } catch (error) {
    throw side.told(error);
  }
}
