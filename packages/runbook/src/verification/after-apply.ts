import type { HostLink } from '../host-link.ts';
import { touched, type HostState } from '../host-state.ts';
import { lockOwner } from '../lock.ts';
import type { RunRequest } from '../request.ts';
import { Checking } from './checking.ts';
import { runChecks, type ChecksOutcome } from './run-checks.ts';
import { checksRequest, opening } from './verify-cluster.ts';

/** A look at a cluster whose set-up has been started. */
export interface BegunVerification {
  /** Checks what there is to check, or takes the set-up away where a host is not well. */
  readonly finish: () => Promise<ChecksOutcome | undefined>;
}

/**
 * Begins the last phase of an apply that changed something and went well: a look at the cluster itself.
 * Its pods take time to start, in which the hosts can be probed again. Undefined where there is nothing
 * to look at, or where it is known already that a host is not well.
 *
 * The host whose API is asked is at work for both: it gets a connection of its own for this. Its lock is
 * held by the run, or, where the host takes no part in it, taken here.
 */
export function beginVerification(
  request: RunRequest,
  states: readonly HostState[],
  run: string,
): BegunVerification | undefined {
  const { verification, signal } = request;
  const isWell = (): boolean =>
    !signal.aborted && states.every(({ failure }) => failure === undefined);
  if (verification === undefined || !states.some(touched) || !isWell()) return undefined;
  const own = new Map<string, HostLink>();
  const asked = { ...request, verification };
  const stateOf = (name: string): HostState | undefined =>
    states.find(({ host }) => host.name === name);
  const open = opening(asked, own, (link) => link.holdLock(lockOwner(), run));
  const lanes = new Map<string, HostLink>();
  const checks = checksRequest(asked, (name) => {
    const link = stateOf(name)?.link;
    if (link === undefined) return open(name);
    if (!verification.api.includes(name)) return link;
    const lane = lanes.get(name) ?? link.lane();
    lanes.set(name, lane);
    return lane;
  });
  const checking = new Checking(checks);
  // What goes wrong is told by `finish`, which waits for it.
  checking.begin().catch(() => undefined);
  return {
    finish: async () => {
      try {
        if (isWell()) return await runChecks(checks, checking);
        await checking.tearDown();
        return undefined;
      } finally {
        await Promise.all([...own.values()].map((link) => link.close()));
      }
    },
  };
}
