import { setTimeout as sleep } from 'node:timers/promises';
import type { PartResult, SecretBook } from '@skerry/executor';
import { sh, type Change, type Fragment } from '@skerry/steps';
import type { GivenBundle } from './artifact-supply.ts';
import { since } from './elapsed.ts';
import type { RunEvent } from './events.ts';
import type { ExpandedPlay, ExpandedStep } from './expand.ts';
import { HostFailure, type HostLink } from './host-link.ts';
import { toPart } from './parts.ts';
import { placeArtifacts } from './place-artifacts.ts';
import { clearPending, recordPending } from './pending-handlers.ts';
import type { HandlerPlan, PlayPlan, StepPlan } from './plan.ts';
import type { ValuesOfHosts } from './read-on.ts';
import { readBoth, readFirst } from './read-step.ts';
import { awaitReboot } from './reboot.ts';
import { refusalFailure } from './refusal.ts';

/** Seconds that a step may take when its kind says nothing. */
const defaultDeadline = 600;

/** Milliseconds between two probes of a step whose refusal may still go away. */
const settlePause = 2000;

export interface ApplyContext {
  readonly link: HostLink;
  /** The name of the runbook. */
  readonly runbook: string;
  readonly secrets: SecretBook;
  readonly signal: AbortSignal;
  readonly kill: AbortSignal | undefined;
  readonly emit: (event: RunEvent) => void;
  /** Ids of the steps that have changed this host in this run; added to as steps run. */
  readonly changed: Set<string>;
  /** Ids of the handlers that have run; added to as they do. */
  readonly handled: Set<string>;
  /** Ids of the handlers that are recorded on the host and have not run. */
  readonly due: Set<string>;
  readonly values: ValuesOfHosts;
  readonly bundle: GivenBundle | undefined;
}

type StepResult = Extract<RunEvent, { type: 'step-finished' }>['result'];

/**
 * Applies one play on one host: its steps in order, then its handlers, once each. Throws a
 * HostFailure at the first step that does not succeed: handlers that were notified stay recorded on
 * the host, and the next run finds them.
 */
export async function applyPlay(
  context: ApplyContext,
  plan: PlayPlan,
  expanded: ExpandedPlay,
): Promise<void> {
  const kinds = new Map(expanded.steps.map((step) => [step.id, step]));
  for (const step of plan.steps) {
    stopIfAborted(context, `${plan.play} › ${step.id}`);
    const kind = kinds.get(step.id);
    if (kind === undefined) throw new Error(`the plan names a step that is not there: ${step.id}`);
    await applyStep(context, expanded, step, kind);
  }
  for (const handler of plan.handlers) {
    const due = handler.leftover || handler.because.some((id) => context.changed.has(id));
    if (!due) continue;
    stopIfAborted(context, `${plan.play} › ${handler.id}`);
    await runHandler(context, expanded, handler);
  }
}

function stopIfAborted(context: ApplyContext, step: string): void {
  if (!context.signal.aborted) return;
  throw new HostFailure('aborted', {
    code: 'aborted',
    what: 'stopped before this step',
    step,
    why: 'the run was interrupted',
    fix: 'run apply again: it goes on where this one stopped',
  });
}

async function applyStep(
  context: ApplyContext,
  play: ExpandedPlay,
  plan: StepPlan,
  step: ExpandedStep,
): Promise<void> {
  const { link, emit } = context;
  const about = { host: link.host, play: play.play, step: plan.id, handler: false };
  const started = performance.now();
  const finish = (result: StepResult, changes: readonly Change[]): void =>
    emit({
      type: 'step-finished',
      ...about,
      result,
      milliseconds: since(started),
      changes: [...changes],
    });
  emit({ type: 'step-started', ...about });
  try {
    const current = await currentStep(context, play, plan, step);
    if (current === undefined) return finish('already', []);
    const [refusal, ...others] = current.changes
      .filter((change) => change.action === 'refuse')
      .map((change) => ({ play: play.play, step: step.id, change }));
    if (refusal !== undefined) throw refusalFailure([refusal, ...others]);
    const seconds = step.kind.deadline?.(step.desired) ?? defaultDeadline;
    const notified = step.notify.filter(({ id }) => plan.notify.includes(id));
    const bootId =
      step.kind.afterConverge === 'reboot' ? await readBootId(context, play) : undefined;
    await placeArtifacts(
      context,
      { play: play.play, id: plan.id },
      current.converge.artifacts ?? [],
    );
    for (const { id } of notified) context.due.add(id);
    await runChange(context, play, {
      id: plan.id,
      before: notified.length === 0 ? [] : [recordPending(context.runbook, notified)],
      fragment: current.converge,
      after: [],
      seconds,
    });
    context.changed.add(plan.id);
    if (bootId !== undefined)
      await awaitReboot(context, play.become, { bootId, seconds, step: plan.id });
    finish('changed', current.changes);
  } catch (error) {
    if (error instanceof HostFailure) finish(resultOf(error), []);
    throw error;
  }
}

/**
 * What is to be done now: the plan's own script where the plan is sure, or what a new probe says
 * where a step that this one needs ran before it; undefined where nothing is left to do.
 */
async function currentStep(
  context: ApplyContext,
  play: ExpandedPlay,
  plan: StepPlan,
  step: ExpandedStep,
): Promise<{ changes: readonly Change[]; converge: Fragment } | undefined> {
  const { confidence } = plan;
  if (confidence.level !== 'conditional' || confidence.foreseen === true) return plan;
  const settles = step.kind.settles?.(step.desired);
  const end = performance.now() + 1000 * (settles?.seconds ?? 0);
  let told = false;
  for (;;) {
    const changes = await probeAgain(context, play, step);
    if (changes.length === 0) return undefined;
    const refused = changes.some(({ action }) => action === 'refuse');
    if (!refused || performance.now() >= end || context.signal.aborted) {
      return { changes, converge: step.kind.converge(step.desired, changes) };
    }
    if (!told && settles !== undefined) {
      const { awaited, seconds: deadline } = settles;
      context.emit({ type: 'waiting', host: context.link.host, step: plan.id, awaited, deadline });
      told = true;
    }
    await sleep(settlePause, undefined, { signal: context.signal }).catch(() => undefined);
  }
}

async function probeAgain(
  context: ApplyContext,
  play: ExpandedPlay,
  step: ExpandedStep,
): Promise<readonly Change[]> {
  const unreadable = (why: string): HostFailure =>
    new HostFailure('failed', {
      code: 'probe-failed',
      what: `cannot read the state of "${step.id}" after the steps that it needs`,
      step: `${play.play} › ${step.id}`,
      why,
      fix: 'mend what the reason names and run apply again',
    });
  const ask = async (fragment: Fragment): Promise<PartResult> => {
    const result = await context.link.run(play.become, [toPart(fragment, context.secrets)], {
      deadline: 1000 * (step.kind.deadline?.(step.desired) ?? defaultDeadline),
      signal: context.signal,
    });
    const [part] = result.parts;
    if (result.outcome === 'exited' && part !== undefined) return part;
    throw unreadable(result.outcome === 'exited' ? 'no answer' : result.reason);
  };
  const first = await ask(step.kind.probe(step.desired));
  const read = readFirst(step, first);
  const reading = 'further' in read ? readBoth(step, first, await ask(read.further)) : read;
  if ('changes' in reading) return reading.changes;
  throw unreadable(reading.unreadable);
}

async function runHandler(
  context: ApplyContext,
  play: ExpandedPlay,
  handler: HandlerPlan,
): Promise<void> {
  const { link, emit } = context;
  const about = { host: link.host, play: play.play, step: handler.id, handler: true };
  const started = performance.now();
  const finish = (result: StepResult): void =>
    emit({
      type: 'step-finished',
      ...about,
      result,
      milliseconds: since(started),
      changes: [],
    });
  emit({ type: 'step-started', ...about });
  try {
    await runChange(context, play, {
      id: handler.id,
      before: [],
      fragment: handler.fragment,
      after: [clearPending(context.runbook, handler)],
      seconds: defaultDeadline,
    });
    context.handled.add(handler.id);
    context.due.delete(handler.id);
    finish('changed');
  } catch (error) {
    if (error instanceof HostFailure) finish(resultOf(error));
    throw error;
  }
}

/** Sends a change; anything but a status of 0 from every part is a HostFailure. */
async function runChange(
  context: ApplyContext,
  play: ExpandedPlay,
  change: {
    id: string;
    before: readonly Fragment[];
    fragment: Fragment;
    after: readonly Fragment[];
    seconds: number;
  },
): Promise<void> {
  const { link, secrets, kill, emit } = context;
  const step = `${play.play} › ${change.id}`;
  const fragment = await context.values.fill(change.fragment, step, kill);
  const fragments = [...change.before, fragment, ...change.after];
  const result = await link.run(
    play.become,
    fragments.map((each) => ({ ...toPart(each, secrets), required: true })),
    {
      deadline: change.seconds * 1000,
      ...(kill === undefined ? {} : { signal: kill }),
      onOutput: (_part, stream, text) =>
        emit({ type: 'step-output', host: link.host, step: change.id, stream, text }),
    },
  );
  const failed = result.parts.find((part) => part.code !== 0);
  if (failed !== undefined) {
    throw new HostFailure('failed', {
      code: 'step-failed',
      what: `"${change.id}" failed with status ${failed.code}`,
      step,
      why: lastLines(failed.stderr) || lastLines(failed.stdout) || 'it printed no reason',
      fix: 'mend what the reason names and run apply again: it goes on from here',
    });
  }
  if (result.outcome !== 'exited') throw unknownOutcome(change.id, step, result);
  if (result.parts.length !== fragments.length) {
    throw unknownOutcome(change.id, step, { outcome: 'lost', reason: 'the answer is cut off' });
  }
}

function unknownOutcome(
  id: string,
  step: string,
  result: { readonly outcome: string; readonly reason: string },
): HostFailure {
  return new HostFailure('unknown', {
    code: `step-${result.outcome}`,
    what: `the outcome of "${id}" is unknown`,
    step,
    why: result.reason,
    fix: 'run plan: it reads what the host is like now; then run apply again',
  });
}

async function readBootId(context: ApplyContext, play: ExpandedPlay): Promise<string> {
  const part = toPart(sh('cat /proc/sys/kernel/random/boot_id'), context.secrets);
  const result = await context.link.run(play.become, [part], { deadline: 30_000 });
  const id = result.parts[0]?.stdout.trim() ?? '';
  if (result.outcome === 'exited' && id !== '') return id;
  throw new HostFailure('failed', {
    code: 'no-boot-id',
    what: 'the boot id of the host could not be read, so a reboot could not be told from none',
    step: play.play,
    why: result.outcome === 'exited' ? 'no answer' : result.reason,
    fix: 'run apply again when the host answers; it was not rebooted',
  });
}

function resultOf(error: HostFailure): StepResult {
  if (error.outcome === 'unknown') return 'unknown';
  return error.outcome === 'refused' ? 'refused' : 'failed';
}

/** The last lines of what a command said: where programs tell why they failed. */
function lastLines(text: string): string {
  return text.trim().split('\n').slice(-12).join('\n');
}
