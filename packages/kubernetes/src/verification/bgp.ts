import { sh, type Check, type Finding, type Fragment } from '@skerry/steps';
import { z } from 'zod';
import type { ClusterView } from './cluster-view.ts';
import { processOf } from './etcd.ts';
import { counted, verdictOf } from './probe-tasks.ts';

const ciliumPeers: Fragment = sh(`${processOf}process_of cilium-agent || exit
nsenter -t "$pid" -m -- cilium-dbg bgp peers -o json`);

/** `none` where no speaker runs; else the connections to these peers, as ss prints them. */
const connections = (peers: readonly string[]): Fragment =>
  sh(
    `${processOf}
process_of speaker 2>/dev/null || process_of bgpd 2>/dev/null || { echo none; exit 0; }
for peer; do
  ss -Htn state established dst "$peer" || exit
done`,
    ...peers,
  );

const ciliumPeer = z.object({
  'peer-address': z.string(),
  'peer-asn': z.int().default(0),
  'session-state': z.string().default('unknown'),
});

const isCilium = ({ inventory: { kubernetes } }: ClusterView): boolean =>
  kubernetes.network.cni?.name === 'cilium' && kubernetes.network.cni.bgp;

const peersOf = ({ inventory: { kubernetes } }: ClusterView) =>
  kubernetes.loadBalancer.metallb?.peers ?? [];

interface Session {
  readonly node: string;
  readonly peer: string;
  readonly up: boolean;
  readonly state: string;
}

function ciliumSessions(node: string, text: string): Session[] {
  return z
    .array(ciliumPeer)
    .nullable()
    .transform((list) => list ?? [])
    .parse(JSON.parse(text))
    .map((peer) => ({
      node,
      peer: `${peer['peer-address']} (AS ${peer['peer-asn']})`,
      up: peer['session-state'].toLowerCase() === 'established',
      state: peer['session-state'],
    }));
}

/** A line of `ss -Htn`: queues, then the two ends. */
function metallbSessions(view: ClusterView, node: string, text: string): Session[] {
  const ends = text.split('\n').map((line) => line.trim().split(/\s+/).slice(2, 4).join(' '));
  return peersOf(view).map(({ address, port, asn }) => {
    const up = ends.some((line) => {
      const [own = '', other = ''] = line.split(' ');
      const toPeer = other.startsWith(`${address}:`) || other.startsWith(`[${address}]:`);
      return toPeer && (other.endsWith(`:${port}`) || own.endsWith(':179'));
    });
    return { node, peer: `${address} (AS ${asn})`, up, state: up ? 'connected' : 'not connected' };
  });
}

export const bgpSessions: Check<ClusterView> = {
  id: 'bgp-sessions',
  title: 'BGP sessions are Established',
  on: 'nodes',
  looksAt:
    'Cilium: the state of every session, from its agent; MetalLB: the connection of every speaker to every peer',
  settles: 60,
  skip: (view) =>
    isCilium(view) || peersOf(view).length > 0 ? undefined : 'the inventory has no BGP peer',
  fragment: (view) =>
    isCilium(view) ? ciliumPeers : connections(peersOf(view).map(({ address }) => address)),
  judge(view, answers) {
    const sessions: Session[] = [];
    const unread = [...answers].flatMap(([node, { code, stdout, stderr }]): Finding[] => {
      if (code !== 0) {
        const why = stderr.trim() || `exit ${code}`;
        return [{ what: `${node}: BGP sessions could not be read`, why }];
      }
      if (isCilium(view)) sessions.push(...ciliumSessions(node, stdout));
      else if (stdout.trim() !== 'none') sessions.push(...metallbSessions(view, node, stdout));
      return [];
    });
    const down = sessions
      .filter(({ up }) => !up)
      .map(({ node, peer, state }) => ({
        what: `${node}: the session with ${peer} is ${state}`,
        why: 'addresses of pools are not announced from this node',
        fix: 'look at the AS numbers, the password and the port on both sides, and at the speaker’s log',
      }));
    const none =
      sessions.length + unread.length === 0
        ? [{ what: 'no node has a BGP session', why: 'no speaker runs, or none was given a peer' }]
        : [];
    const up = sessions
      .filter((session) => session.up)
      .map(({ node, peer }) => `${node} – ${peer}`);
    return verdictOf(
      `${counted(up.length, 'session')} of ${sessions.length}${up.length === 0 ? '' : `: ${up.join(', ')}`}`,
      [...unread, ...down, ...none],
    );
  },
};
