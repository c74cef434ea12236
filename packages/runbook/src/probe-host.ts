import type { Part, PartResult, SecretBook } from '@skerry/executor';
import type { AnyStepKind, Fragment } from '@skerry/steps';
import type { ExpandedPlay, ExpandedStep } from './expand.ts';
import type { Facts } from './facts.ts';
import { factsProbe, parseFacts } from './facts-probe.ts';
import { HostFailure, type HostLink } from './host-link.ts';
import { toPart } from './parts.ts';
import { parsePending, readPending, type PendingHandler } from './pending-handlers.ts';
import { readBoth, readFirst, type StepReading } from './read-step.ts';

/** Milliseconds for one script of probes: room for an fsync gate on a slow disk. */
const probeDeadline = 600_000;

/** The first answer of a host: its facts, its pending handlers, and the probes sent on a guess. */
export interface FirstAnswer {
  readonly facts: Facts;
  readonly pending: readonly PendingHandler[];
  /** Those of the login user, where plays run as both and it is not root itself. */
  readonly pendingAsLogin?: readonly PendingHandler[];
  readonly guess: readonly ExpandedPlay[] | undefined;
  readonly results: readonly PartResult[];
}

/**
 * Asks for facts and pending handlers and, where `guess` holds the plays expanded with the facts of
 * an earlier run, for the state of all their steps: all in one script of one exec.
 */
export async function askFirst(
  link: HostLink,
  guess: readonly ExpandedPlay[] | undefined,
  options: {
    /** Whose handlers are looked for. */
    runbook?: { readonly name: string };
    secrets: SecretBook;
    signal: AbortSignal;
    become: boolean;
    mixed?: boolean;
  },
): Promise<FirstAnswer> {
  const { runbook, secrets, signal, become, mixed = false } = options;
  const question = (fragment: Fragment, asRoot: boolean): Question => ({
    become: asRoot,
    part: toPart(fragment, secrets),
  });
  const [factsPart, pendingPart, ...others] = await ask(
    link,
    [
      question(factsProbe(), become),
      question(readPending(), become),
      ...(mixed ? [question(readPending(), !become)] : []),
      ...questionsOf(guess ?? [], secrets),
    ],
    signal,
  );
  const facts = factsPart === undefined ? undefined : parseFacts(factsPart.stdout);
  if (facts === undefined || pendingPart?.code !== 0) {
    throw new HostFailure('failed', {
      code: 'empty-answer',
      what: 'the host answered nothing that can be read',
      why:
        factsPart?.stderr.trim() ||
        pendingPart?.stderr.trim() ||
        'the probe for facts came back empty or cut off',
      fix: `try: bootstrap exec … --limit ${link.host} -- uname -a; an empty answer is never "no change"`,
    });
  }
  const { folder, handlers: pending } = parsePending(pendingPart.stdout, runbook?.name);
  if (!mixed) return { facts, pending, guess, results: others };
  const [theirs, ...results] = others;
  const asLogin = parsePending(theirs?.stdout ?? '', runbook?.name);
  const pendingAsLogin = asLogin.folder === folder ? {} : { pendingAsLogin: asLogin.handlers };
  return { facts, pending, ...pendingAsLogin, guess, results };
}

/** A probe to be run as root or, with `become` false, as the login user. */
interface Question {
  readonly become: boolean;
  readonly part: Part;
}

function questionsOf(plays: readonly ExpandedPlay[], secrets: SecretBook): Question[] {
  return plays.flatMap(({ become, steps }) =>
    steps.map(({ kind, desired }) => ({ become, part: toPart(kind.probe(desired), secrets) })),
  );
}

/**
 * The answers in the order of the questions. They are asked in one script for each of the two users,
 * that of the first question first; those that can be joined stand together.
 */
async function ask(
  link: HostLink,
  questions: readonly Question[],
  signal: AbortSignal,
): Promise<readonly PartResult[]> {
  const answers: PartResult[] = [];
  const users = new Set(questions.map(({ become }) => become));
  for (const become of users) {
    const together = new Map<string, number[]>();
    for (const [index, { part, become: asRoot }] of questions.entries()) {
      if (asRoot !== become) continue;
      const key = part.joins === true ? part.code : String(index);
      together.set(key, [...(together.get(key) ?? []), index]);
    }
    const order = [...together.values()].flat();
    const parts = order.flatMap((index) => questions[index]?.part ?? []);
    const results = await runAll(link, become, parts, signal);
    for (const [at, index] of order.entries()) answers[index] = results[at] as PartResult;
  }
  return answers;
}

interface Asked {
  readonly become: boolean;
  readonly kind: AnyStepKind;
  readonly desired: unknown;
}

/** Whether the plays that were probed on a guess ask the host what those that are wanted would ask. */
export function sameProbes(
  guess: readonly ExpandedPlay[] | undefined,
  wanted: readonly ExpandedPlay[],
): boolean {
  if (guess === undefined) return false;
  const stepsOf = (plays: readonly ExpandedPlay[]): readonly Asked[] =>
    plays.flatMap(({ become, steps }) =>
      steps.map(({ kind, desired }) => ({ become, kind, desired })),
    );
  const [sent, asked] = [stepsOf(guess), stepsOf(wanted)];
  return (
    sent.length === asked.length &&
    sent.every(({ become, kind, desired }, index) => {
      const other = asked[index];
      if (other === undefined || become !== other.become || kind !== other.kind) return false;
      if (desired === other.desired) return true;
      return JSON.stringify(kind.probe(desired)) === JSON.stringify(kind.probe(other.desired));
    })
  );
}

/** Reads the state of all steps of all plays, in order. */
export async function readSteps(
  link: HostLink,
  plays: readonly ExpandedPlay[],
  options: { secrets: SecretBook; signal: AbortSignal },
): Promise<StepReading[]> {
  const questions = questionsOf(plays, options.secrets);
  return readResults(link, plays, await ask(link, questions, options.signal), options);
}

/**
 * The readings of results that came back in the order of the plays' steps. What their answers leave open is
 * asked in one more script.
 */
export async function readResults(
  link: HostLink,
  plays: readonly ExpandedPlay[],
  results: readonly PartResult[],
  { secrets, signal }: { secrets: SecretBook; signal: AbortSignal },
): Promise<StepReading[]> {
  const readings: StepReading[] = [];
  const open: (Question & { index: number; step: ExpandedStep; first: PartResult })[] = [];
  const steps = plays.flatMap(({ become, steps: all }) => all.map((step) => ({ become, step })));
  for (const [index, { become, step }] of steps.entries()) {
    const first = results[index];
    if (first === undefined) {
      readings[index] = { unreadable: 'the host gave no answer for this step' };
      continue;
    }
    const reading = readFirst(step, first);
    if (!('further' in reading)) readings[index] = reading;
    else open.push({ index, become, step, first, part: toPart(reading.further, secrets) });
  }
  if (open.length === 0) return readings;
  const answers = await ask(link, open, signal);
  for (const [at, { index, step, first }] of open.entries()) {
    readings[index] = readBoth(step, first, answers[at] as PartResult);
  }
  return readings;
}

async function runAll(
  link: HostLink,
  become: boolean,
  parts: readonly Part[],
  signal: AbortSignal,
): Promise<readonly PartResult[]> {
  const result = await link.run(become, parts, { deadline: probeDeadline, signal });
  if (result.outcome === 'exited' && result.parts.length === parts.length) return result.parts;
  const reason = result.outcome === 'exited' ? 'the answer is cut off' : result.reason;
  throw new HostFailure(result.outcome === 'aborted' ? 'aborted' : 'unreachable', {
    code: `probe-${result.outcome}`,
    what: 'the state of the host could not be read',
    why: reason,
    fix: 'run again when the host answers; nothing was changed',
  });
}
