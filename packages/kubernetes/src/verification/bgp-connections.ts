import { isIPv4 } from 'node:net';
import { hostAndPort } from '../endpoints/endpoint.ts';
import { bgpPeers, bgpPort, type BgpPeer } from '../networks/bgp-peers.ts';
import { isSameAddress, type BgpSession } from './bgp-session.ts';
import type { ClusterView } from './cluster-view.ts';

type Peer = Pick<BgpPeer, 'speaker' | 'address' | 'port' | 'asn'>;

/** Other nodes that Calico's node peers with: it has the first IPv4 address of each (NodeInternalIP). */
function meshPeers({ inventory, nodes }: ClusterView, host: string): Peer[] {
  const { cni } = inventory.kubernetes.network;
  if (cni?.name !== 'calico' || !cni.bgp || !cni.nodeMesh) return [];
  const addressOf = (name: string): string | undefined =>
    nodes.find((node) => node.name === name)?.addresses.find((address) => isIPv4(address));
  const own = host.toLowerCase();
  if (addressOf(own) === undefined) return [];
  return nodes
    .filter(({ name }) => name !== own)
    .flatMap(({ name }) => addressOf(name) ?? [])
    .map((address) => ({ speaker: 'Calico', address, port: bgpPort, asn: cni.localAsn }));
}

/** The peers of a host whose sessions are seen by their connection. */
export function connectedPeers(view: ClusterView, host: string): Peer[] {
  return [
    ...bgpPeers(view.inventory).filter(({ speaker }) => speaker !== 'Cilium'),
    ...meshPeers(view, host),
  ];
}

interface Connection {
  readonly own: { readonly host: string; readonly port: number };
  readonly other: { readonly host: string; readonly port: number };
}

function endOf(text: string): Connection['own'] {
  const { host, port } = hostAndPort(text, 0);
  // IPv4 of a socket of IPv6.
  return { host: host.replace(/^::ffff:(?=\d+\.)/i, ''), port };
}

/** A line of `ss -Htn`: queues, then the two ends. */
function connectionOf(line: string): Connection[] {
  const [, , own, other] = line.trim().split(/\s+/);
  return own === undefined || other === undefined ? [] : [{ own: endOf(own), other: endOf(other) }];
}

/** `text`: `none` where no speaker of MetalLB runs; then the connections to the peers. */
export function connectionSessions(view: ClusterView, node: string, text: string): BgpSession[] {
  const lines = text.split('\n');
  const connections = lines.flatMap(connectionOf);
  const speaks = !lines.includes('none');
  const isLeftOut = !speaks && view.speakers?.has(node.toLowerCase()) === false;
  return connectedPeers(view, node).flatMap(({ speaker, address, port, asn }): BgpSession[] => {
    const session = { node, speaker, address, asn };
    if (speaker === 'MetalLB' && !speaks) {
      const why = 'no speaker of MetalLB runs on this node';
      return isLeftOut ? [] : [{ ...session, up: false, state: 'not connected', why }];
    }
    const up = connections.some(
      ({ own, other }) =>
        isSameAddress(other.host, address) && (other.port === port || own.port === bgpPort),
    );
    return [{ ...session, up, state: up ? 'connected' : 'not connected' }];
  });
}
