import { secretToken, type CiliumBalancerSettings, type Inventory } from '@skerry/inventory';
import { parseRange } from '../address-range.ts';
import type { KubernetesObject } from '../objects/kubernetes-object.ts';
import { isAtLeast } from '../version-number.ts';
import { ciliumAdvertises, ciliumVersion } from './cilium-values.ts';

type Pool = CiliumBalancerSettings['pools'][number];
type Peer = CiliumBalancerSettings['peers'][number];

/** The label by which a Service asks for a pool that is not given out by itself. */
const poolLabel = 'skerry.dev/pool';
/** What advertisements are found by. */
const advertised = { 'skerry.dev/advertise': 'services' };

/** An object, and the part of `loadBalancer.cilium` that it comes from. */
export interface PlacedObject {
  readonly object: KubernetesObject;
  readonly place: string;
}

/** Where Cilium looks for passwords of BGP sessions (its chart, bgpControlPlane.secretsNamespace). */
const secretsNamespace = 'kube-system';

function object(
  apiVersion: string,
  kind: string,
  name: string,
  spec: KubernetesObject,
  labels?: Readonly<Record<string, string>>,
): KubernetesObject {
  return {
    apiVersion,
    kind,
    metadata: { name, ...(labels === undefined ? {} : { labels }) },
    spec,
  };
}

/** What a Service is labelled with to get an address of a pool: nothing for one that is given out by itself. */
export function ciliumPoolLabels({
  name,
  autoAssign,
}: Pick<Pool, 'name' | 'autoAssign'>): Readonly<Record<string, string>> {
  return autoAssign ? {} : { [poolLabel]: name };
}

/** Services that a pool is for: those that name it, or those that name none. */
function selectorOf(pool: Pool): KubernetesObject {
  return pool.autoAssign
    ? { matchExpressions: [{ key: poolLabel, operator: 'DoesNotExist' }] }
    : { matchLabels: ciliumPoolLabels(pool) };
}

function blockOf(text: string): KubernetesObject {
  const [start, stop] = text.split('-').map((part) => part.trim());
  return stop === undefined ? { cidr: text } : { start, stop };
}

function poolObject(apiVersion: string, pool: Pool): KubernetesObject {
  return object(apiVersion, 'CiliumLoadBalancerIPPool', pool.name, {
    blocks: pool.addresses.map(blockOf),
    serviceSelector: selectorOf(pool),
  });
}

function layer2(pool: Pool): KubernetesObject {
  return object('cilium.io/v2alpha1', 'CiliumL2AnnouncementPolicy', pool.name, {
    loadBalancerIPs: true,
    serviceSelector: selectorOf(pool),
    // Cilium takes regular expressions.
    ...(pool.interfaces.length > 0
      ? { interfaces: pool.interfaces.map((name) => `^${name.replaceAll('.', '\\.')}$`) }
      : {}),
  });
}

function advertisement(
  apiVersion: string,
  pool: Pool,
  names: CiliumBalancerSettings['communities'],
): KubernetesObject {
  const communities = pool.communities.map((text) => names[text] ?? text);
  const large = communities.filter((text) => text.startsWith('large:'));
  const standard = communities.filter((text) => !text.startsWith('large:'));
  const attributes = {
    ...(communities.length === 0
      ? {}
      : {
          communities: {
            ...(standard.length > 0 ? { standard } : {}),
            ...(large.length > 0 ? { large: large.map((text) => text.slice(6)) } : {}),
          },
        }),
    ...(pool.localPreference === undefined ? {} : { localPreference: pool.localPreference }),
  };
  const service = {
    advertisementType: 'Service',
    service: { addresses: ['LoadBalancerIP'] },
    selector: selectorOf(pool),
    ...(Object.keys(attributes).length > 0 ? { attributes } : {}),
  };
  return object(
    apiVersion,
    'CiliumBGPAdvertisement',
    pool.name,
    { advertisements: [service] },
    advertised,
  );
}

function secretName({ name }: Peer): string {
  return `bgp-${name}`;
}

function peerObjects(apiVersion: string, peer: Peer, families: readonly (4 | 6)[]) {
  const configuration = object(apiVersion, 'CiliumBGPPeerConfig', peer.name, {
    ...(peer.password === undefined ? {} : { authSecretRef: secretName(peer) }),
    ...(peer.multihop ? { ebgpMultihop: 255 } : {}),
    ...(peer.port === 179 ? {} : { transport: { peerPort: peer.port } }),
    // Routes stay while an agent restarts (RFC 4724).
    gracefulRestart: { enabled: true },
    families: families.map((family) => ({
      afi: `ipv${family}`,
      safi: 'unicast',
      advertisements: { matchLabels: advertised },
    })),
  });
  if (peer.password === undefined) return [configuration];
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: secretName(peer), namespace: secretsNamespace },
    type: 'Opaque',
    stringData: { password: secretToken(peer.password) },
  };
  return [secret, configuration];
}

/** One instance for each AS number that the nodes have towards somebody. */
function clusterConfiguration(apiVersion: string, peers: readonly Peer[]): KubernetesObject {
  const instances = Map.groupBy(peers, ({ localAsn }) => localAsn);
  return object(apiVersion, 'CiliumBGPClusterConfig', 'skerry', {
    bgpInstances: [...instances].map(([localASN, members]) => ({
      name: `as-${localASN}`,
      localASN,
      peers: members.map(({ name, asn, address }) => ({
        name,
        peerASN: asn,
        peerAddress: address,
        peerConfigRef: { name },
      })),
    })),
  });
}

/**
 * Addresses of Services by Cilium itself: pools, and how they are told, by ARP or by BGP. Pools and
 * BGP are `cilium.io/v2` since 1.18, and v2alpha1 before; L2 announcements are v2alpha1 up to 1.20
 * (pkg/k8s/apis/cilium.io/client/crds).
 */
export function ciliumObjects(inventory: Inventory): PlacedObject[] {
  const version = ciliumVersion(inventory);
  const { cilium } = inventory.kubernetes.loadBalancer;
  if (version === undefined || cilium === undefined) return [];
  const { pools, peers, communities } = cilium;
  const api = isAtLeast(version, '1.18') ? 'cilium.io/v2' : 'cilium.io/v2alpha1';
  const families = ([4, 6] as const).filter((family) =>
    pools.some(({ addresses }) => addresses.some((text) => parseRange(text)?.family === family)),
  );
  const bgp = ciliumAdvertises(inventory, 'bgp') && peers.length > 0;
  return [
    ...(bgp
      ? peers.flatMap((peer, at) =>
          peerObjects(api, peer, families).map((one) => ({ object: one, place: `peers[${at}]` })),
        )
      : []),
    ...(bgp ? [{ object: clusterConfiguration(api, peers), place: 'peers' }] : []),
    ...pools.flatMap((pool, at) => {
      const told = pool.advertise === 'l2' ? layer2(pool) : advertisement(api, pool, communities);
      return [poolObject(api, pool), told].map((one) => ({ object: one, place: `pools[${at}]` }));
    }),
  ];
}
