import { isDeepStrictEqual } from 'node:util';
import type { Change, Step } from '@skerry/steps';
import { askedOf } from '../desired/asked.ts';
import type { DesiredPlay, DesiredStep } from '../desired/desired-state.ts';
import { valueChanges } from '../desired/value-changes.ts';
import { play, runbook, type Runbook } from '../dsl.ts';
import type { Plan, StepPlan } from '../plan.ts';
import { isSensitive, type AskedHost, type JournalEntry, type JournalStep } from './journal.ts';

/**
 * Who made a difference: somebody on the host since the last apply; the inventory, its runbook or a
 * template; both; or it cannot be told, since nothing was applied from here yet.
 */
export type DriftCause = 'by-hand' | 'inventory' | 'both' | 'never-applied';

export interface Drift {
  readonly host: string;
  readonly play: string;
  readonly id: string;
  readonly cause: DriftCause;
  /** When the step was last applied; undefined where it never was. */
  readonly since: string | undefined;
  /** What the host has otherwise than it was asked to have at the last apply. */
  readonly byHand: readonly Change[];
  /** What is asked for otherwise than at the last apply. */
  readonly asked: readonly Change[];
}

export interface DriftInput {
  /** What is asked of each host now. */
  readonly hosts: readonly Pick<AskedHost, 'host' | 'plays'>[];
  readonly journal: ReadonlyMap<string, JournalEntry>;
  /** Held against what is asked now. */
  readonly plan: Plan;
  /** Held against what was asked at the last apply, of the steps of `earlierRunbook`. */
  readonly earlier: Plan | undefined;
  /** As in JournalInput. */
  readonly digest: (text: string) => string;
  readonly conceal: (text: string) => string;
}

/** Three ways at once: what was asked, what is asked, and what is there. Pure. */
export function findDrift(input: DriftInput): Drift[] {
  const now = stepsOf(input.plan);
  const earlier = stepsOf(input.earlier);
  return input.hosts.flatMap(({ host, plays }) => {
    const entry = input.journal.get(host);
    const then = new Map((entry?.steps ?? []).map((step) => [step.id, step]));
    const steps = plays.flatMap((one) => one.steps.map((step) => ({ play: one.play, step })));
    const found = steps.flatMap(({ play: name, step }): Drift[] => {
      const key = `${host}\n${step.id}`;
      const pending = changesOf(now.get(key));
      const before = then.get(step.id);
      const about = { host, play: name, id: step.id, since: before && entry?.time };
      if (entry === undefined) {
        if (pending.length === 0) return [];
        return [{ ...about, cause: 'never-applied', byHand: [], asked: pending }];
      }
      if (before === undefined) {
        if (pending.length === 0) return [];
        return [{ ...about, cause: 'inventory', byHand: [], asked: pending }];
      }
      const asked = askedChanges(before, step, input);
      const byHand = asked.length === 0 ? pending : changesOf(earlier.get(key));
      if (asked.length + byHand.length === 0) return [];
      const cause = asked.length === 0 ? 'by-hand' : byHand.length === 0 ? 'inventory' : 'both';
      return [{ ...about, cause, byHand, asked }];
    });
    const ids = new Set(steps.map(({ step }) => step.id));
    const gone = (entry?.steps ?? []).filter(({ id }) => !ids.has(id));
    return [
      ...found,
      ...gone.map(({ play: name, id }): Drift => ({
        host,
        play: name,
        id,
        cause: 'inventory',
        since: entry?.time,
        byHand: [],
        asked: [{ subject: 'this step', action: 'delete', why: 'it is not asked for any more' }],
      })),
    ];
  });
}

function stepsOf(plan: Plan | undefined): Map<string, StepPlan> {
  return new Map(
    (plan?.hosts ?? []).flatMap(({ host, plays }) =>
      plays.flatMap(({ steps }) => steps.map((step) => [`${host}\n${step.id}`, step] as const)),
    ),
  );
}

/** A refusal is a rule that does not hold; nothing drifted. */
function changesOf(step: StepPlan | undefined): readonly Change[] {
  return (step?.changes ?? []).filter(({ action }) => action !== 'refuse');
}

function askedChanges(
  before: JournalStep,
  step: DesiredStep,
  { digest, conceal }: DriftInput,
): readonly Change[] {
  if (isSensitive(step.desired) || before.digest !== undefined) {
    if (before.digest === digest(JSON.stringify(step.desired))) return [];
    return [{ subject: 'content', action: 'update', why: 'not shown: sensitive' }];
  }
  const now = concealedJson(step.desired, conceal);
  const { kind } = step;
  // An earlier version of Skerry may have written it.
  const then = kind.schema.safeParse(before.desired);
  return then.success
    ? valueChanges(askedOf({ kind, desired: then.data }), askedOf({ kind, desired: now }))
    : valueChanges(before.desired, now);
}

/** As it is after the journal has written and read it. */
function concealedJson(value: unknown, conceal: (text: string) => string): unknown {
  return JSON.parse(JSON.stringify(value), (_key, entry: unknown) =>
    typeof entry === 'string' ? conceal(entry) : entry,
  );
}

/**
 * A runbook that asks for what the last apply asked for, of those steps that are asked for otherwise
 * now: a plan of it is what was changed by hand. Undefined where there is no such step.
 */
export function earlierRunbook(
  hosts: readonly Pick<AskedHost, 'host' | 'plays'>[],
  journal: ReadonlyMap<string, JournalEntry>,
): { readonly runbook: Runbook; readonly hosts: ReadonlySet<string> } | undefined {
  const wanted = new Map<string, readonly { readonly step: Step; readonly of: DesiredPlay }[]>();
  for (const { host, plays } of hosts) {
    const then = new Map((journal.get(host)?.steps ?? []).map((step) => [step.id, step]));
    const steps = plays.flatMap((of) =>
      of.steps.flatMap(({ id, kind, desired }) => {
        const before = then.get(id);
        if (before?.desired === undefined || isDeepStrictEqual(before.desired, desired)) return [];
        const name = id.slice(kind.kind.length).trimStart();
        return [{ of, step: { kind, name, desired: before.desired, options: {} } }];
      }),
    );
    if (steps.length > 0) wanted.set(host, steps);
  }
  if (wanted.size === 0) return undefined;
  const names = new Map([...wanted.values()].flat().map(({ of }) => [of.play, of.become]));
  return {
    hosts: new Set(wanted.keys()),
    runbook: runbook({
      name: 'last apply',
      description: 'What was asked for at the last apply',
      plays: [...names].map(([name, become]) =>
        play(name, { hosts: 'all', become }, ({ host }) =>
          (wanted.get(host.name) ?? [])
            .filter(({ of }) => of.play === name)
            .map(({ step }) => step),
        ),
      ),
    }),
  };
}
