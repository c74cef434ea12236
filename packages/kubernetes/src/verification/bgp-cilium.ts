import { z } from 'zod';
import { bgpPeers } from '../networks/bgp-peers.ts';
import { isSameAddress, type BgpSession } from './bgp-session.ts';
import type { ClusterView } from './cluster-view.ts';

const told = z
  .array(
    z.object({
      'peer-address': z.string(),
      'peer-asn': z.int().default(0),
      'session-state': z.string().default('unknown'),
    }),
  )
  .nullable()
  .transform((list) => list ?? []);

/**
 * What Cilium's agent of a node says, and the routers of the inventory that it does not know: Cilium is
 * given them for all nodes. Routers by objects of somebody else may be for some nodes only.
 */
export function ciliumSessions(
  { inventory }: ClusterView,
  node: string,
  text: string,
): BgpSession[] {
  const sessions = told.parse(JSON.parse(text)).map((one): BgpSession => ({
    node,
    speaker: 'Cilium',
    address: one['peer-address'],
    asn: one['peer-asn'],
    up: one['session-state'].toLowerCase() === 'established',
    state: one['session-state'],
  }));
  const missing = bgpPeers(inventory)
    .filter(({ speaker }) => speaker === 'Cilium')
    .filter(({ address }) => !sessions.some((one) => isSameAddress(one.address, address)))
    .map(({ speaker, address, asn }): BgpSession => {
      const why = 'Cilium’s agent does not know this router: the objects of BGP did not reach it';
      return { node, speaker, address, asn, up: false, state: 'missing', why };
    });
  return [...sessions, ...missing];
}
