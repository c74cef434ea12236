import { touched, type HostState } from '../host-state.ts';
import type { RunRequest } from '../request.ts';
import type { ChecksOutcome } from './run-checks.ts';
import { verifyCluster } from './verify-cluster.ts';

/**
 * The last phase of an apply that changed something and went well: a look at the cluster itself.
 * Undefined where there is nothing to look at, or where it is known already that a host is not well.
 */
export async function verifyAfterApply(
  request: RunRequest,
  states: readonly HostState[],
): Promise<ChecksOutcome | undefined> {
  const { verification } = request;
  if (verification === undefined || request.mode !== 'apply' || request.signal.aborted) return;
  if (!states.some(touched) || states.some(({ failure }) => failure !== undefined)) return;
  return verifyCluster({
    ...request,
    verification,
    linkOf: (name) => states.find(({ host }) => host.name === name)?.link,
  });
}
