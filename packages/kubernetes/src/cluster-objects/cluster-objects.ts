import type { Inventory } from '@skerry/inventory';
import type { ResolveContext, Step, StepOptions } from '@skerry/steps';
import { objectsKind } from '../kinds/objects.ts';
import type { ObjectGroups } from '../objects/desired-objects.ts';
import type { NodeFacts } from '../rules/rule.ts';

/** What the list of objects follows from; the context of a play has all of it. */
export interface ClusterContext {
  readonly inventory: Inventory;
  /** Facts of every host that is known, by name. */
  readonly fleet: ReadonlyMap<string, NodeFacts>;
}

/**
 * All objects of the cluster as one step, for the first control plane: what kubeadm keeps of its
 * configuration, the network of pods, the load balancer, policies, labels and taints of nodes.
 * Manifests and charts come from the bundle.
 */
export function clusterObjects(context: ClusterContext, options: StepOptions = {}): Step {
  return {
    kind: objectsKind,
    name: 'cluster',
    desired: undefined,
    resolve: (resolve) => ({ groups: clusterObjectGroups(context, resolve) }),
    options,
  };
}

/** The groups of `clusterObjects`, in their order. */
export function clusterObjectGroups(
  { inventory }: ClusterContext,
  _resolve: Pick<ResolveContext, 'manifest' | 'chart'>,
): ObjectGroups {
  void inventory;
  return [];
}
