import type { Inventory } from '@skerry/inventory';
import type { Bundle, ResolveContext, Step, StepOptions } from '@skerry/steps';
import { expectBundledImages } from '../bundled-images.ts';
import { expectBundledVersions } from '../bundled-versions.ts';
import { objectsKind } from '../kinds/objects.ts';
import type { ObjectGroup } from '../objects/desired-objects.ts';
import { networkGroups } from '../networks/network-groups.ts';
import type { NodeFacts } from '../rules/rule.ts';
import { controlPlanesOf } from '../kubeadm/endpoint.ts';
import { runningControlPlanes, type MemberFacts } from '../kubeadm/membership-of.ts';
import { kubeadmGroup, kubeProxyGroup } from './kubeadm-groups.ts';
import { loadBalancerGroups } from './load-balancer-groups.ts';
import { nodeGroup } from './node-group.ts';
import { policyGroups } from './policy-groups.ts';

/** What the list of objects follows from; the context of a play has all of it. */
export interface ClusterContext {
  readonly inventory: Inventory;
  /** Facts of every host that is known, by name. */
  readonly fleet: ReadonlyMap<
    string,
    NodeFacts & Partial<MemberFacts> & { readonly architecture?: string }
  >;
  /** Whether steps with a tag are still to come in this run. */
  readonly isComing?: (tag: string, host?: string) => boolean;
  /** Where nodes have only it: manifests, charts and the images of all objects have to be those of it. */
  readonly bundle?: Bundle;
}

/** Manifests and charts of the bundle as texts. */
export type BundledTexts = Pick<ResolveContext, 'manifest' | 'chart'>;

/** Seconds for a rollout: pods start in seconds, but a machine that emulates takes minutes. */
const rolloutSeconds = 600;

/**
 * All objects of the cluster as one step, for the first control plane: what kubeadm keeps of its
 * configuration, the network of pods, the load balancer, policies, labels of nodes. Manifests and
 * charts come from the bundle.
 */
export function clusterObjects(context: ClusterContext, options: StepOptions = {}): Step {
  return {
    kind: objectsKind,
    name: 'cluster',
    desired: undefined,
    resolve: (texts) => {
      const { bundle, inventory } = context;
      // First: a manifest of another version may have another form, and would be told as broken.
      if (bundle !== undefined) expectBundledVersions(bundle, inventory);
      const groups = clusterObjectGroups(context, texts);
      if (bundle !== undefined) expectBundledImages(bundle, groups, architecturesOf(context));
      return { name: 'cluster', groups, begins: isBeginning(context) };
    },
    options,
  };
}

/** Whether this run makes the cluster, by the step of the first control plane. */
function isBeginning({ inventory, fleet, isComing }: ClusterContext): boolean {
  const first = controlPlanesOf(inventory)[0]?.name ?? '';
  return (
    isComing?.('control-plane', first) === true &&
    fleet.get(first)?.kubernetes?.role === '' &&
    runningControlPlanes(inventory, fleet).length === 0
  );
}

function architecturesOf({ inventory, fleet }: ClusterContext): string[] {
  return inventory.hosts.flatMap(({ name }) => fleet.get(name)?.architecture ?? []);
}

/** The groups of `clusterObjects`, in the order in which they are applied. */
export function clusterObjectGroups(
  { inventory, fleet, isComing }: ClusterContext,
  texts: BundledTexts,
): ObjectGroup[] {
  return [
    kubeadmGroup(inventory),
    nodeGroup(
      inventory,
      ({ name, roles }) =>
        fleet.get(name)?.kubernetes?.role === '' &&
        isComing?.(roles.includes('control-plane') ? 'control-plane' : 'workers', name) === true,
    ),
    // Before kube-proxy: where the CNI takes its place, Services are carried all the time.
    ...networkGroups(inventory, texts, rolloutSeconds),
    kubeProxyGroup(inventory, rolloutSeconds),
    ...loadBalancerGroups(inventory, texts.manifest, rolloutSeconds),
    ...policyGroups(inventory),
  ];
}
