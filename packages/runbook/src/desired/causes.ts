import { DiagnosticError } from '@skerry/diagnostics';
import { differingSteps, type StepDelta } from './compare-desired.ts';
import { DesiredFleet, type DesiredSource, type HostDesired } from './desired-state.ts';
import { inventoryEdits, type HostView } from './inventory-edits.ts';

/** A difference between two sources that is in no inventory: a template, a file, the runbook. */
export interface SourceEdit {
  /** For a reader: `templates/containerd/config.toml.hbs:12`. */
  readonly text: string;
  /** A source with this difference alone: the first with the second's, and the other way round. */
  readonly alone: DesiredSource;
  readonly without: DesiredSource;
}

interface Candidate {
  readonly key: string;
  readonly text: () => string;
  readonly alone: () => HostDesired;
  readonly without: () => HostDesired;
}

export interface CausesInput {
  readonly before: DesiredFleet;
  readonly after: DesiredFleet;
  readonly edits: readonly SourceEdit[];
}

/** By step id: what caused its difference, each as a line for a reader. */
export type Causes = ReadonlyMap<string, readonly string[]>;

/**
 * Finds out what caused the differences of hosts by trying: the runbook is expanded with one edit
 * alone, and a step that comes out otherwise is caused by it. Where no edit does it alone, those are
 * named without which the step comes out otherwise. Hosts with the same edits and the same steps are
 * tried once.
 */
export class CauseFinder {
  readonly #input: CausesInput;
  readonly #fleets = new Map<DesiredSource, DesiredFleet>();
  readonly #known = new Map<string, ReadonlyMap<string, readonly string[]>>();

  constructor(input: CausesInput) {
    this.#input = input;
  }

  of(before: HostView, after: HostView, deltas: readonly StepDelta[]): Causes {
    const candidates = this.#candidates(before, after);
    const shape = JSON.stringify([candidates.map(({ key }) => key), deltas.map(({ id }) => id)]);
    const keys = this.#known.get(shape) ?? this.#attribute(candidates, before, after, deltas);
    this.#known.set(shape, keys);
    const texts = new Map(candidates.map(({ key, text }) => [key, text]));
    return new Map(
      [...keys].map(([id, found]) => [id, found.map((key) => texts.get(key)?.() ?? key)]),
    );
  }

  #candidates(before: HostView, after: HostView): Candidate[] {
    const { before: first, after: second, edits } = this.#input;
    const expand = (fleet: DesiredFleet, view: HostView, moves: boolean) => (): HostDesired =>
      fleet.with(view.inventory, moves).of(view.host);
    return [
      ...inventoryEdits(before, after).map(({ path, moves, text, graft }) => ({
        key: path,
        text: () => text(before, after),
        alone: () => expand(first, graft(before, after), moves)(),
        without: () => expand(second, graft(after, before), moves)(),
      })),
      ...edits.map((edit) => ({
        key: edit.text,
        text: () => edit.text,
        alone: () => this.#fleet(edit.alone).of(before.host),
        without: () => this.#fleet(edit.without).of(after.host),
      })),
    ];
  }

  #fleet(source: DesiredSource): DesiredFleet {
    const fleet = this.#fleets.get(source) ?? new DesiredFleet(source);
    this.#fleets.set(source, fleet);
    return fleet;
  }

  #attribute(
    candidates: readonly Candidate[],
    before: HostView,
    after: HostView,
    deltas: readonly StepDelta[],
  ): Map<string, readonly string[]> {
    const found = new Map<string, string[]>();
    const note = (id: string, key: string): void => {
      const keys = found.get(id) ?? [];
      if (!keys.includes(key)) found.set(id, [...keys, key]);
    };
    const probe = (expand: (one: Candidate) => HostDesired, base: HostDesired): void => {
      const open = deltas.filter(({ id }) => !found.has(id)).map(({ id }) => id);
      if (open.length === 0) return;
      for (const candidate of candidates) {
        const hybrid = attempt(() => expand(candidate));
        // One that cannot stand alone belongs to the rest of what was edited.
        if (hybrid === undefined) continue;
        const others = differingSteps(base, hybrid);
        for (const id of open) if (others.has(id)) note(id, candidate.key);
      }
    };
    probe(({ alone }) => alone(), this.#input.before.of(before.host));
    probe(({ without }) => without(), this.#input.after.of(after.host));
    for (const { id } of deltas) {
      if (!found.has(id))
        found.set(
          id,
          candidates.map(({ key }) => key),
        );
    }
    return found;
  }
}

function attempt(expand: () => HostDesired): HostDesired | undefined {
  try {
    return expand();
  } catch (error) {
    if (error instanceof DiagnosticError) return undefined;
    throw error;
  }
}
