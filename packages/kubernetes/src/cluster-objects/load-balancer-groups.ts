import { secretToken, type Inventory } from '@skerry/inventory';
import type { DesiredObject, Identity, ObjectGroup } from '../objects/desired-objects.ts';
import type { KubernetesObject } from '../objects/kubernetes-object.ts';
import { metallbObjects, peerSecretName } from '../objects/metallb.ts';
import { isSharedControlPlane } from '../kubeadm/shared-control-plane.ts';
import { withChanges, withPatches } from '../networks/bundled-manifest.ts';
import { manifestObjects, rollouts } from './manifest-objects.ts';
import { originOf } from './origins.ts';

const namespace = 'metallb-system';

interface Speaker extends KubernetesObject {
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly containers: readonly {
          readonly name: string;
          readonly args?: readonly string[];
        }[];
      };
    };
  };
}

/**
 * MetalLB's speaker where control planes are to answer for addresses, too: kubeadm labels all of them
 * with node.kubernetes.io/exclude-from-external-load-balancers (metallb.io/troubleshooting).
 */
function onControlPlanes(object: KubernetesObject): KubernetesObject {
  const { spec } = object as Speaker;
  const { template } = spec;
  const containers = template.spec.containers.map((container) =>
    container.name === 'speaker'
      ? { ...container, args: [...(container.args ?? []), '--ignore-exclude-lb'] }
      : container,
  );
  return {
    ...object,
    spec: { ...spec, template: { ...template, spec: { ...template.spec, containers } } },
  };
}

/** MetalLB, and once it answers its pools, peers and how they are advertised. */
export function loadBalancerGroups(
  inventory: Inventory,
  manifest: (name: string) => string,
  seconds: number,
): ObjectGroup[] {
  const { metallb } = inventory.kubernetes.loadBalancer;
  if (metallb === undefined) return [];
  const written = manifestObjects(manifest('metallb'), 'the manifest metallb', namespace);
  const section = 'loadBalancer.metallb';
  const placed = inventory.hosts.some((host) => isSharedControlPlane(inventory, host))
    ? withChanges(
        written,
        'metallb',
        { 'DaemonSet speaker': onControlPlanes },
        { speaker: 'on control planes, too' },
      )
    : written;
  const program = withPatches(placed, metallb.patches, (name) =>
    inventory.kubernetesPlaces.get(`${section}.patches.${name}`),
  );
  const passwords = metallb.peers.flatMap((peer, index): DesiredObject[] => {
    if (peer.password === undefined) return [];
    const object = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: peerSecretName(peer), namespace },
      type: 'kubernetes.io/basic-auth',
      stringData: { password: secretToken(peer.password) },
    };
    const origin = originOf(inventory, `${section}.peers[${index}].password`);
    return [{ object, ownership: 'owned', origin }];
  });
  const places = new Map([
    ...metallb.peers.map(({ name }, index) => [`BGPPeer ${name}`, `peers[${index}]`] as const),
    ...metallb.pools.flatMap(({ name }, index) =>
      ['IPAddressPool', 'L2Advertisement', 'BGPAdvertisement'].map(
        (kind) => [`${kind} ${name}`, `pools[${index}]`] as const,
      ),
    ),
    ['Community communities', 'communities'] as const,
  ]);
  const settings = metallbObjects(inventory.kubernetes).map((one): DesiredObject => {
    const object = one as KubernetesObject & Identity;
    const place = places.get(`${object.kind} ${object.metadata.name}`) ?? 'peers';
    return { object, ownership: 'owned', origin: originOf(inventory, `${section}.${place}`) };
  });
  return [
    { name: 'MetalLB', objects: program, waits: rollouts(program, seconds) },
    { name: 'pools of addresses', objects: [...passwords, ...settings], waits: [] },
  ];
}
