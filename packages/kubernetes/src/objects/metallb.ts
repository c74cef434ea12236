import type { KubernetesSettings, MetallbSettings } from '@skerry/inventory';
import type { KubernetesObject } from './kubernetes-object.ts';

const namespace = 'metallb-system';

type Pool = MetallbSettings['pools'][number];
type Peer = MetallbSettings['peers'][number];

function object(kind: string, name: string, spec: KubernetesObject): KubernetesObject {
  // BGPPeer moved on to v1beta2, all others did not (metallb.io/apis, 0.16).
  const version = kind === 'BGPPeer' ? 'v1beta2' : 'v1beta1';
  return { apiVersion: `metallb.io/${version}`, kind, metadata: { name, namespace }, spec };
}

function poolObject(pool: Pool): KubernetesObject {
  return object('IPAddressPool', pool.name, {
    addresses: pool.addresses.map((text) => text.replaceAll(/\s/g, '')),
    autoAssign: pool.autoAssign,
    ...(pool.avoidBuggyAddresses ? { avoidBuggyIPs: true } : {}),
  });
}

function advertisement(pool: Pool): KubernetesObject {
  const ipAddressPools = [pool.name];
  if (pool.advertise === 'l2') {
    return object('L2Advertisement', pool.name, {
      ipAddressPools,
      ...(pool.interfaces.length > 0 ? { interfaces: [...pool.interfaces] } : {}),
    });
  }
  return object('BGPAdvertisement', pool.name, {
    ipAddressPools,
    ...(pool.communities.length > 0 ? { communities: [...pool.communities] } : {}),
    ...(pool.localPreference === undefined ? {} : { localPref: pool.localPreference }),
    ...(pool.aggregation === undefined ? {} : { aggregationLength: pool.aggregation }),
  });
}

/** The Secret (type kubernetes.io/basic-auth) that holds the password of a session. */
export function peerSecretName({ name }: { readonly name: string }): string {
  return `bgp-${name}`;
}

function peerObject(peer: Peer): KubernetesObject {
  return object('BGPPeer', peer.name, {
    myASN: peer.localAsn,
    peerASN: peer.asn,
    peerAddress: peer.address,
    peerPort: peer.port,
    ...(peer.multihop ? { ebgpMultiHop: true } : {}),
    ...(peer.password === undefined ? {} : { passwordSecret: { name: peerSecretName(peer) } }),
  });
}

/**
 * MetalLB's objects: communities, peers, pools, and for each pool how it is advertised. Secrets with
 * the passwords of sessions are not among them, and neither is what only FRR can do: the rule
 * metallb-native-bgp refuses it.
 */
export function metallbObjects({ loadBalancer }: KubernetesSettings): KubernetesObject[] {
  const { metallb } = loadBalancer;
  if (metallb === undefined) return [];
  const communities = Object.entries(metallb.communities).map(([name, value]) => ({ name, value }));
  return [
    ...(communities.length > 0 ? [object('Community', 'communities', { communities })] : []),
    ...metallb.peers.map(peerObject),
    ...metallb.pools.map(poolObject),
    ...metallb.pools.map(advertisement),
  ];
}
