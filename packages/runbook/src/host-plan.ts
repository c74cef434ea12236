import { DiagnosticError } from '@skerry/diagnostics';
import type { Change } from '@skerry/steps';
import type { ExpandedPlay, ExpandedStep } from './expand.ts';
import { isLeft, type PendingHandler } from './pending-handlers.ts';
import type { Confidence, HandlerPlan, HostPlan, PlayPlan, StepPlan } from './plan.ts';
import type { StepReading } from './read-step.ts';

/**
 * The plan of one host from its expanded plays and the readings of all their steps (in order) and the
 * handlers that an earlier run left; `asLogin` are those of plays that run as the login user, where
 * it has a folder of its own for them. Pure: same inputs, same plan.
 * Throws a DiagnosticError where a step's state is unknown and no earlier change explains it.
 */
export function planHost(
  host: string,
  plays: readonly ExpandedPlay[],
  readings: readonly StepReading[],
  pending: readonly PendingHandler[],
  asLogin?: readonly PendingHandler[],
): HostPlan {
  const changing = new Set<string>();
  const left = new Set(pending);
  const leftAsLogin = asLogin === undefined ? left : new Set(asLogin);
  let index = 0;
  const planned: PlayPlan[] = plays.map((play) => {
    const steps: StepPlan[] = [];
    let converged = 0;
    for (const step of play.steps) {
      const reading = readings[index];
      index += 1;
      if (reading === undefined) throw new Error(`no reading for ${step.id} on ${host}`);
      const plan = planStep(host, play.play, step, reading, changing);
      if (plan === undefined) converged += 1;
      else {
        steps.push(plan);
        changing.add(step.id);
      }
    }
    const handlers = planHandlers(play, steps, play.become ? left : leftAsLogin);
    return { play: play.play, steps, handlers, converged, skipped: play.skipped };
  });
  return { host, plays: planned };
}

function planStep(
  host: string,
  play: string,
  step: ExpandedStep,
  reading: StepReading,
  changing: ReadonlySet<string>,
): StepPlan | undefined {
  const on = step.needs.filter((need) => changing.has(need));
  if ('unreadable' in reading && on.length === 0) throw unreadable(host, play, step, reading);
  const changes: readonly Change[] =
    'unreadable' in reading
      ? [
          {
            subject: step.kind.summary(step.desired),
            action: 'run',
            why: `cannot be read yet: ${reading.unreadable}`,
          },
        ]
      : reading.changes;
  if (changes.length === 0 && on.length === 0) return undefined;
  return {
    id: step.id,
    summary: step.kind.summary(step.desired),
    changes,
    confidence: confidenceOf(step, on, reading),
    converge: step.kind.converge(step.desired, changes),
    notify: step.notify.map(({ id }) => id),
  };
}

/** The error for a step whose state could not be read. */
function unreadable(
  host: string,
  play: string,
  step: ExpandedStep,
  reading: { readonly unreadable: string },
): DiagnosticError {
  return new DiagnosticError({
    code: 'probe-failed',
    severity: 'error',
    what: `cannot read the state of "${step.id}"`,
    at: { host, step: `${play} › ${step.id}` },
    why: reading.unreadable,
    fix: 'mend what the reason names, or leave the step out for this host; nothing was changed',
  });
}

function confidenceOf(step: ExpandedStep, on: readonly string[], reading: StepReading): Confidence {
  if (on.length > 0) {
    const foreseen =
      'changes' in reading &&
      reading.observed !== undefined &&
      step.kind.foresees?.(step.desired, reading.observed) === true;
    return foreseen ? { level: 'conditional', on, foreseen } : { level: 'conditional', on };
  }
  const why = step.kind.opaque?.(step.desired);
  return why === undefined ? { level: 'exact' } : { level: 'opaque', why };
}

/** Handlers in the order in which the play's steps name them; takes what it plans out of `left`. */
function planHandlers(
  play: ExpandedPlay,
  steps: readonly StepPlan[],
  left: Set<PendingHandler>,
): HandlerPlan[] {
  const handlers: HandlerPlan[] = [];
  const seen = new Set<string>();
  for (const handler of play.steps.flatMap((step) => step.notify)) {
    const { id, fragment } = handler;
    if (seen.has(id)) continue;
    seen.add(id);
    const because = steps.filter((step) => step.notify.includes(id)).map((step) => step.id);
    const mine = [...left].filter((one) => isLeft(one, handler));
    for (const one of mine) left.delete(one);
    const leftover = mine.length > 0;
    if (leftover || because.length > 0) handlers.push({ id, fragment, because, leftover });
  }
  return handlers;
}
