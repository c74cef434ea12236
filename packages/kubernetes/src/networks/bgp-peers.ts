import type { Inventory } from '@skerry/inventory';
import { ciliumAdvertises } from './cilium-values.ts';

/** Where a speaker of BGP listens (RFC 4271). */
export const bgpPort = 179;

/** A router that nodes have a BGP session with. */
export interface BgpPeer {
  /** Who has the session on a node. */
  readonly speaker: 'MetalLB' | 'Cilium' | 'Calico';
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** The AS number of the router. */
  readonly asn: number;
  /** Where its address stands below `kubernetes`. */
  readonly place: string;
}

/**
 * The routers of the inventory, of every speaker. Those that nothing turns BGP on for are not among
 * them: Cilium and Calico are not given them. Nodes that peer with each other are not, either.
 */
export function bgpPeers(inventory: Inventory): BgpPeer[] {
  const { loadBalancer, network } = inventory.kubernetes;
  const { cni } = network;
  const ofCilium = ciliumAdvertises(inventory, 'bgp') ? (loadBalancer.cilium?.peers ?? []) : [];
  const ofCalico = cni?.name === 'calico' && cni.bgp ? cni.peers : [];
  return [
    ...(loadBalancer.metallb?.peers ?? []).map(({ name, address, port, asn }, at) => {
      const place = `loadBalancer.metallb.peers[${at}].address`;
      return { speaker: 'MetalLB', name, address, port, asn, place } as const;
    }),
    ...ofCilium.map(({ name, address, port, asn }, at) => {
      const place = `loadBalancer.cilium.peers[${at}].address`;
      return { speaker: 'Cilium', name, address, port, asn, place } as const;
    }),
    ...ofCalico.map(({ name, address, asn }, at) => {
      const place = `network.cni.calico.peers[${at}].address`;
      return { speaker: 'Calico', name, address, port: bgpPort, asn, place } as const;
    }),
  ];
}
