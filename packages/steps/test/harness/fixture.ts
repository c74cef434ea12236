import { readdir } from 'node:fs/promises';
import type {
  AnyStepKind,
  Arg,
  ArtifactFile,
  Change,
  ProbeOutput,
  StepKind,
} from '../../src/index.ts';

/** One case of a step kind, as data. */
export interface Fixture<Desired = unknown, Observed = unknown> {
  readonly name: string;
  /** As a user writes it: the schema checks it and fills in its defaults. */
  readonly desired: unknown;
  /** What the probe prints: stdout, or the whole output. */
  readonly probed: string | Partial<ProbeOutput>;
  /** What `parse` makes of it. */
  readonly observed: Observed;
  /** What `diff` makes of that; [] for a host that is as desired. */
  readonly changes: readonly Change[];
  /**
   * The values that `converge` hands to its code; undefined where there is nothing to do or a change
   * is refused. The code itself is reviewed in the golden file `<kind>/<golden>.sh`.
   */
  readonly script?: {
    readonly args: readonly Arg[];
    readonly artifacts?: readonly ArtifactFile[];
    readonly golden?: string;
  };
  /** For the types only. */
  readonly of?: Desired;
}

export interface FixtureSet {
  readonly kind: AnyStepKind;
  readonly fixtures: readonly Fixture[];
}

/** The default export of `test/fixtures/<kind>/<anything>.ts`. */
export function fixturesOf<D, O>(
  kind: StepKind<D, O>,
  fixtures: readonly Fixture<D, O>[],
): FixtureSet {
  return { kind, fixtures };
}

/** The rooms of step kinds keep them in src/kinds/ and their fixtures in test/fixtures/. */
export interface KindFolders {
  readonly kinds: URL;
  readonly fixtures: URL;
}

/** Every step kind of a room, by name. */
export async function allKinds({ kinds: folder }: KindFolders): Promise<Map<string, AnyStepKind>> {
  const kinds = new Map<string, AnyStepKind>();
  for (const file of (await readdir(folder)).filter((name) => name.endsWith('.ts'))) {
    const module = (await import(new URL(file, folder).href)) as Record<string, unknown>;
    for (const [name, value] of Object.entries(module)) {
      if (name.endsWith('Kind')) kinds.set((value as AnyStepKind).kind, value as AnyStepKind);
    }
  }
  return kinds;
}

/** Every fixture, by the name of its kind. */
export async function allFixtures({
  fixtures: folder,
}: KindFolders): Promise<Map<string, Fixture[]>> {
  const fixtures = new Map<string, Fixture[]>();
  for (const entry of await readdir(folder, { recursive: true })) {
    if (!entry.endsWith('.ts')) continue;
    const module = (await import(new URL(entry, folder).href)) as { default: FixtureSet };
    const { kind, fixtures: more } = module.default;
    fixtures.set(kind.kind, [...(fixtures.get(kind.kind) ?? []), ...more]);
  }
  return fixtures;
}
