import { cacheFacts } from './facts-cache.ts';
import { HostFailure } from './host-link.ts';
import { touched, type HostState } from './host-state.ts';
import { planAnswer, type FleetContext } from './probe-fleet.ts';
import { askFirst, type FirstAnswer } from './probe-host.ts';

/**
 * Probes again what was changed: a plan that is not empty now makes the host fail. First all hosts
 * are asked, then their plays are expanded: what one is to be may follow from what another became.
 */
export async function verify(
  fleet: FleetContext,
  states: readonly HostState[],
  failed: (state: HostState, error: unknown) => void,
): Promise<void> {
  const { request } = fleet;
  const changed = states.filter((state) => touched(state) && !request.signal.aborted);
  const whole = changed.filter(({ failure }) => failure === undefined);
  if (whole.length === 0) return;
  const names = whole.map(({ host }) => host.name);
  request.emit({ type: 'phase', phase: 'verify', hosts: names });
  const facts = new Map(
    states.flatMap(({ host, facts: known }) => (known ? [[host.name, known]] : [])),
  );
  const answers = new Map<HostState, FirstAnswer>();
  await fleet.forEachHost(changed, async (state) => {
    try {
      const answer = await askAgain(fleet, state);
      // Of one that failed only the facts are of use: others may follow from what it has become.
      if (whole.includes(state)) answers.set(state, answer);
      facts.set(state.host.name, answer.facts);
      await cacheFacts(request.stateFolder, state.host.name, answer.facts);
    } catch (error) {
      if (whole.includes(state)) failed(state, unverified(error));
    }
  });
  await fleet.forEachHost([...answers.keys()], async (state) => {
    const answer = answers.get(state);
    if (answer === undefined) return;
    try {
      const { remaining, unstarted } = await remainingSteps(fleet, state, answer, facts);
      state.verified = remaining.length + unstarted === 0;
      request.emit({ type: 'host-verified', host: state.host.name, remaining });
      if (remaining.length > 0) {
        throw new HostFailure('failed', {
          code: 'not-converged',
          what: `after the apply these steps still show a change: ${remaining.join(', ')}`,
          why: 'something on the host works against them, or the step does not do what it says',
          fix: 'run plan to see the difference, and look for what else manages it',
        });
      }
    } catch (error) {
      failed(state, unverified(error));
    }
  });
}

/** The changes were made: only whether they hold could not be seen. */
function unverified(error: unknown): unknown {
  if (!(error instanceof HostFailure) || !error.failure.code.startsWith('probe-')) return error;
  return new HostFailure(error.outcome, {
    ...error.failure,
    what: 'the changes were made, and then the state of the host could not be read',
    fix: 'run apply again when the host answers: it does what is left',
  });
}

async function askAgain(fleet: FleetContext, state: HostState): Promise<FirstAnswer> {
  const { link, plays: before = [] } = state;
  const become = before.length === 0 || before.some((play) => play.become);
  const mixed = become && before.some((play) => !play.become);
  return askFirst(link, before, { ...fleet.request, become, mixed });
}

async function remainingSteps(
  fleet: FleetContext,
  state: HostState,
  answer: FirstAnswer,
  facts: ReadonlyMap<string, NonNullable<HostState['facts']>>,
): Promise<{ remaining: string[]; unstarted: number }> {
  const { plan } = await planAnswer(fleet, state, answer, facts, true);
  // What the failure policy kept from starting is still to be done, and nobody's fault.
  const idle = new Set(
    state.plan?.plays
      .filter(({ play, steps, handlers }) => {
        return steps.length + handlers.length > 0 && !state.finished.has(play);
      })
      .map(({ play }) => play),
  );
  const left = (unstarted: boolean): string[] =>
    plan.plays
      .filter(({ play }) => idle.has(play) === unstarted)
      .flatMap((play) => [...play.steps, ...play.handlers].map(({ id }) => id));
  return { remaining: left(false), unstarted: left(true).length };
}
