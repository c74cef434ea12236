import { sh, type Check, type Finding, type ProbeOutput } from '@skerry/steps';
import { ciliumAdvertises } from '../networks/cilium-values.ts';
import { ciliumSessions } from './bgp-cilium.ts';
import { connectedPeers, connectionSessions } from './bgp-connections.ts';
import type { BgpSession } from './bgp-session.ts';
import type { ClusterView } from './cluster-view.ts';
import { processOf } from './etcd.ts';
import { counted, verdictOf } from './probe-tasks.ts';
import { separator } from './set-up.ts';

/**
 * sh: with `yes` what Cilium's agent says; then `none` where no speaker of MetalLB runs, and the
 * connections to these peers, as ss prints them.
 */
const ask = `${processOf}
if [ "$1" = yes ]; then
  process_of cilium-agent || exit
  nsenter -t "$pid" -m -- cilium-dbg bgp peers -o json || exit
fi
printf '%s\\n' "$2"
process_of speaker 2>/dev/null || process_of bgpd 2>/dev/null || echo none
shift 2
for peer; do
  ss -Htn state established dst "$peer" || exit
done`;

const asksCilium = ({ inventory }: ClusterView): boolean => ciliumAdvertises(inventory, 'bgp');

/** Calico's nodes peer with each other only, and one is alone. */
const isLonely = ({ inventory: { kubernetes } }: ClusterView): boolean => {
  const { cni } = kubernetes.network;
  return cni?.name === 'calico' && cni.bgp && cni.nodeMesh;
};

function nothingToSee(view: ClusterView): string | undefined {
  if (asksCilium(view)) return undefined;
  if (view.nodes.some(({ name }) => connectedPeers(view, name).length > 0)) return undefined;
  return isLonely(view)
    ? 'nodes only peer with each other, and no two have an IPv4 address'
    : 'the inventory has no BGP peer';
}

function sessionsOf(view: ClusterView, node: string, text: string): BgpSession[] {
  const at = text.lastIndexOf(separator);
  const [agent, connections] = [text.slice(0, Math.max(at, 0)), text.slice(at + separator.length)];
  return [
    ...(asksCilium(view) ? ciliumSessions(view, node, agent) : []),
    ...connectionSessions(view, node, connections),
  ];
}

/** What it means that a session is down, and where to look. */
const hints = {
  MetalLB: {
    why: 'addresses of pools are not announced from this node',
    fix: 'kubectl -n metallb-system get pods -o wide; look at the AS numbers, the password and the port on both sides, and at the speaker’s log',
  },
  Cilium: {
    why: 'addresses of pools are not announced from this node',
    fix: 'kubectl get ciliumbgpnodeconfigs; look at the AS numbers, the password and the port on both sides, and at the agent’s log',
  },
  Calico: {
    why: 'routes to pods are not told over it',
    fix: 'kubectl -n calico-system get pods -o wide; look at the AS numbers on both sides, and at the log of calico-node',
  },
} as const;

const peerText = ({ address, asn }: BgpSession): string => `${address} (AS ${asn})`;

/** Each session up to this many; of more, which a mesh has, how many a node has. */
const fewSessions = 24;

function upText(sessions: readonly BgpSession[], nodes: readonly string[]): string {
  const up = sessions.filter((session) => session.up);
  const list =
    up.length > fewSessions
      ? [...Map.groupBy(up, ({ node }) => node)].map(([node, own]) => `${node} ${own.length}`)
      : up.map((session) => `${session.node} – ${peerText(session)}`);
  const silent = nodes.filter((name) => !sessions.some(({ node }) => node === name));
  return [
    `${counted(up.length, 'session')} of ${sessions.length}`,
    ...(list.length === 0 ? [] : [`: ${list.join(', ')}`]),
    ...(silent.length === 0 ? [] : [`; none on ${silent.join(', ')}`]),
  ].join('');
}

function unread(node: string, { code, stderr }: ProbeOutput): Finding[] {
  if (code === 0) return [];
  const why = stderr.trim() || `exit ${code}`;
  return [{ what: `${node}: BGP sessions could not be read`, why }];
}

export const bgpSessions: Check<ClusterView> = {
  id: 'bgp-sessions',
  title: 'BGP sessions are Established',
  on: 'nodes',
  looksAt:
    'Cilium: the state of every session, from its agent; MetalLB: the connection of every speaker to every peer; Calico: the connection of every node to every peer, and to every other node of the mesh',
  settles: 60,
  skip: nothingToSee,
  fragment(view, host) {
    const peers = connectedPeers(view, host).map(({ address }) => address);
    if (!asksCilium(view) && peers.length === 0) return undefined;
    // Without brackets ss takes the end of an IPv6 address for a port.
    const ends = peers.map((address) => (address.includes(':') ? `[${address}]` : address));
    return sh(ask, asksCilium(view) ? 'yes' : 'no', separator, ...ends);
  },
  judge(view, answers) {
    const failed = [...answers].flatMap(([node, output]) => unread(node, output));
    const read = [...answers].filter(([, { code }]) => code === 0);
    const sessions = read.flatMap(([node, { stdout }]) => sessionsOf(view, node, stdout));
    if (sessions.length + failed.length === 0) {
      // Which nodes have routers that the inventory does not name, is not known.
      if (!asksCilium(view) && view.speakers?.size !== 0) {
        return { status: 'skipped', reason: 'none of these nodes is to have a session' };
      }
      return verdictOf(upText([], []), [
        { what: 'no node has a BGP session', why: 'no speaker runs, or none was given a peer' },
      ]);
    }
    const down = sessions
      .filter(({ up }) => !up)
      .map((session) => ({
        what: `${session.node}: the session with ${peerText(session)} is ${session.state}`,
        why: session.why ?? hints[session.speaker].why,
        fix: hints[session.speaker].fix,
      }));
    const nodes = read.map(([node]) => node);
    return verdictOf(upText(sessions, nodes), [...failed, ...down]);
  },
};
