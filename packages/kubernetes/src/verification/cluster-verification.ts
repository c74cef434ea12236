import type { Inventory } from '@skerry/inventory';
import type { Check, Verification } from '@skerry/steps';
import { secondsOf } from '../kubeadm/duration.ts';
import { controlPlanesOf } from '../kubeadm/endpoint.ts';
import { checks } from './all-checks.ts';
import { parseClusterView, type ClusterView } from './cluster-view.ts';
import { enforcesPolicies } from './policy.ts';
import { probeObjects } from './probe-objects.ts';
import { readFragment, setUpFragment, tearDownFragment } from './set-up.ts';

/** Seconds that the probe pods may take until they are ready. */
const podsDeadline = 300;

/**
 * How the cluster of an inventory is looked at; undefined where the inventory names no version of
 * Kubernetes: then there is no cluster. `now` gives milliseconds since 1970.
 */
export function clusterVerification(
  inventory: Inventory,
  now: () => number = Date.now,
): Verification<ClusterView> | undefined {
  const { version, loadBalancer } = inventory.kubernetes;
  const controlPlanes = controlPlanesOf(inventory).map(({ name }) => name);
  if (version === undefined || controlPlanes.length === 0) return undefined;
  const objects = probeObjects(inventory, { guarded: enforcesPolicies(inventory) });
  return {
    api: controlPlanes,
    controlPlanes,
    nodes: inventory.hosts
      .filter(({ roles }) => roles.includes('control-plane') || roles.includes('worker'))
      .map(({ name }) => name),
    setUp: setUpFragment(objects, podsDeadline),
    // Once for what an earlier run left, once for the pods.
    deadline: 2 * podsDeadline + 60,
    tearDown: tearDownFragment,
    read: readFragment({ speakers: (loadBalancer.metallb?.peers ?? []).length > 0 }),
    // An API server that is just being restarted.
    patience: 30,
    parse: (output, setUpFailure) =>
      parseClusterView(output, { inventory, now: now(), setUpFailure }),
    checks: patient(secondsOf(inventory.kubernetes.verification.patience ?? '0s')),
  };
}

/** The checks that are tried again while they fail, for at least so many seconds. */
const patient = (seconds: number): readonly Check<ClusterView>[] =>
  checks.map((check) =>
    check.settles === undefined ? check : { ...check, settles: Math.max(check.settles, seconds) },
  );
