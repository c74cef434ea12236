import { isDeepStrictEqual } from 'node:util';
import { textDiff, type Change } from '@skerry/steps';
import { askedOf } from './asked.ts';
import type { DesiredPlay, DesiredStep, HostDesired } from './desired-state.ts';
import { valueChanges } from './value-changes.ts';

/** What is asked for differently of one host by one step. */
export interface StepDelta {
  readonly play: string;
  readonly id: string;
  /** The step is asked for anew, otherwise, or no longer. */
  readonly action: 'create' | 'update' | 'delete';
  readonly summary: string;
  readonly changes: readonly Change[];
}

/**
 * The steps of one host that two desired states ask for differently, in the order of the second;
 * those that are only in the first come last. `undefined` stands for a host that is not there.
 * Pure: same inputs, same result.
 */
export function compareDesired(
  before: HostDesired | undefined,
  after: HostDesired | undefined,
): StepDelta[] {
  const was = stepsOf(before);
  const is = stepsOf(after);
  const found: StepDelta[] = [];
  for (const [id, { play, step }] of is) {
    const other = was.get(id);
    const changes = stepChanges(other, { play, step });
    if (changes.length === 0) continue;
    const action = other === undefined ? 'create' : 'update';
    found.push({ play: play.play, id, action, summary: summaryOf(step), changes });
  }
  for (const [id, { play, step }] of was) {
    if (is.has(id)) continue;
    found.push({
      play: play.play,
      id,
      action: 'delete',
      summary: summaryOf(step),
      changes: [{ subject: 'this step', action: 'delete', why: 'it is not asked for any more' }],
    });
  }
  return [...found, ...orderChanges(was, is)];
}

/** Ids of the steps that `compareDesired` would find, without what differs in them. */
export function differingSteps(before: HostDesired, after: HostDesired): ReadonlySet<string> {
  const was = stepsOf(before);
  const is = stepsOf(after);
  const differs = (id: string, { play, step }: Placed): boolean => {
    const other = was.get(id);
    return (
      other === undefined ||
      other.play.play !== play.play ||
      other.play.become !== play.become ||
      !isDeepStrictEqual(askedOf(other.step), askedOf(step)) ||
      !isDeepStrictEqual(other.step.needs, step.needs) ||
      !isDeepStrictEqual(other.step.notify, step.notify)
    );
  };
  return new Set([
    ...[...is].flatMap(([id, placed]) => (differs(id, placed) ? [id] : [])),
    ...[...was.keys()].filter((id) => !is.has(id)),
    ...orderChanges(was, is).map(({ id }) => id),
  ]);
}

interface Placed {
  readonly play: DesiredPlay;
  readonly step: DesiredStep;
}

/** Ids are unique in a runbook. */
function stepsOf(host: HostDesired | undefined): Map<string, Placed> {
  return new Map(
    (host?.plays ?? []).flatMap((play) => play.steps.map((step) => [step.id, { play, step }])),
  );
}

function summaryOf(step: DesiredStep): string {
  return step.kind.summary(step.desired);
}

function stepChanges(before: Placed | undefined, after: Placed): Change[] {
  const changes: Change[] = [];
  if (before?.step.desired !== after.step.desired) {
    const was = before === undefined ? undefined : askedOf(before.step);
    changes.push(...valueChanges(was, askedOf(after.step)));
  }
  if (before === undefined)
    return changes.length > 0 ? changes : [{ subject: 'this step', action: 'create' }];
  const about = (subject: string, was: string, is: string): void => {
    if (was !== is) changes.push({ subject, action: 'update', before: was, after: is });
  };
  about('play', before.play.play, after.play.play);
  about('become root', String(before.play.become), String(after.play.become));
  about('needs', before.step.needs.join(', '), after.step.needs.join(', '));
  if (before.step.notify !== after.step.notify) {
    const ids = (placed: Placed): string => [...placed.step.notify.keys()].join(', ');
    about('notifies', ids(before), ids(after));
    for (const [id, script] of after.step.notify) {
      const other = before.step.notify.get(id);
      if (other === undefined || other === script) continue;
      changes.push({ subject: `handler ${id}`, action: 'update', why: 'it does something else' });
    }
  }
  return changes;
}

/** Plays whose steps, as far as both sides have them, stand in another order. */
function orderChanges(
  was: ReadonlyMap<string, Placed>,
  is: ReadonlyMap<string, Placed>,
): StepDelta[] {
  const common = (steps: ReadonlyMap<string, Placed>, other: ReadonlyMap<string, Placed>) =>
    [...steps.keys()].filter((id) => other.has(id));
  const before = common(was, is);
  const after = common(is, was);
  if (before.every((id, index) => id === after[index])) return [];
  const first = after.findIndex((id, index) => id !== before[index]);
  const play = is.get(after[first] ?? '')?.play.play ?? '';
  const lines = (ids: readonly string[]): string => ids.map((id) => `${id}\n`).join('');
  return [
    {
      play,
      id: 'order of steps',
      action: 'update',
      summary: 'the steps run in another order',
      changes: [
        { subject: 'order', action: 'update', diff: textDiff(lines(before), lines(after)) },
      ],
    },
  ];
}
