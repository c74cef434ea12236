import { isIP } from 'node:net';
import type { Check, Finding, OutsideAnswer, OutsideCall } from '@skerry/steps';
import { z } from 'zod';
import { parseRange, rangeContains } from '../address-range.ts';
import { endpointText, probeServiceOf, type ClusterView } from './cluster-view.ts';
import { poolOfAddress, poolOfProbe } from './pool-of-probe.ts';
import { counted, verdictOf, withoutProbes } from './probe-tasks.ts';

const identity = z.object({ node: z.string(), pod: z.string(), client: z.string() });

/** Which probe answered; undefined where it was none, or nobody. */
function answeredBy({ result, text }: OutsideAnswer): z.infer<typeof identity> | undefined {
  if (result !== 'answered') return undefined;
  try {
    return identity.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

const silence = (answer: OutsideAnswer): string =>
  answer.result === 'answered'
    ? `something else answers: ${answer.text.slice(0, 80)}`
    : `${answer.result}: ${answer.text}`;

/** Nodes whose address NodePorts are to answer at. */
function nodePortCalls(view: ClusterView): readonly OutsideCall[] {
  const nodePort = probeServiceOf(view)?.port.nodePort;
  if (nodePort === undefined) return [];
  const { nodePortAddresses } = view.inventory.kubernetes.network;
  const networks = nodePortAddresses.flatMap((text) => parseRange(text) ?? []);
  const open = (address: string): boolean =>
    networks.length === 0 || networks.some((range) => rangeContains(range, address));
  return view.nodes.flatMap(({ addresses }) =>
    addresses.filter(open).map((address) => ({ address, port: nodePort })),
  );
}

/** What the operator's machine cannot reach at all says nothing of the cluster. */
function notFromHere(calls: readonly OutsideAnswer[]): string | undefined {
  const [first] = calls;
  if (first === undefined) return 'there is nothing to ask for';
  if (calls.some((call) => call.segment !== undefined || answeredBy(call) !== undefined)) {
    return undefined;
  }
  return `this machine is not on the nodes’ segment, and ${first.address} does not answer it (${silence(first)})`;
}

export const nodePort: Check<ClusterView> = {
  id: 'service-node-port',
  title: 'A Service answers by its NodePort, from outside of the cluster',
  on: 'operator',
  looksAt:
    'HTTP from the operator’s machine to the NodePort of the probes, at the address of every node',
  settles: 30,
  skip: withoutProbes,
  calls: nodePortCalls,
  judge(_view, _answers, calls) {
    const far = notFromHere(calls);
    if (far !== undefined) return { status: 'skipped', reason: far };
    const findings = calls
      .filter((call) => answeredBy(call) === undefined)
      .map((call) => ({
        what: `the NodePort ${endpointText(call.address, call.port)} does not answer`,
        why: silence(call),
        fix: 'look at kube-proxy, or what replaces it, on that node, and at firewalls before it',
      }));
    const [first] = calls;
    return verdictOf(
      `HTTP from this machine to port ${first?.port} of ${counted(calls.length, 'node')}`,
      findings,
    );
  },
};

const poolCalls = (view: ClusterView): readonly OutsideCall[] => {
  const probe = probeServiceOf(view);
  if (probe === undefined) return [];
  return probe.service.external
    .filter((address) => isIP(address) !== 0)
    .map((address) => ({ address, port: probe.port.port }));
};

export const loadBalancerAddress: Check<ClusterView> = {
  id: 'service-load-balancer',
  title: 'A load-balancer address answers from outside, and one node answers for it',
  on: 'operator',
  looksAt:
    'HTTP from the operator’s machine to an address of a pool, of MetalLB or of Cilium; on the same segment, whose hardware address answers ARP for it',
  settles: 60,
  skip: (view) =>
    poolOfProbe(view.inventory) === undefined ? 'the inventory has no pool' : withoutProbes(view),
  calls: poolCalls,
  judge(view, _answers, calls) {
    const [call] = calls;
    if (call === undefined) {
      const asked = poolOfProbe(view.inventory);
      const look =
        asked?.balancer === 'cilium'
          ? 'kubectl get ciliumloadbalancerippools'
          : 'kubectl -n metallb-system get pods';
      return verdictOf(`the Service of the probes, of the pool ${asked?.name}`, [
        {
          what: 'the Service of the probes got no address',
          why: 'the pool has no free one, or the controller of the load balancer does not run',
          fix: `kubectl -n skerry-verify describe service probe; ${look}`,
        },
      ]);
    }
    const pool = poolOfAddress(view.inventory, call.address);
    const far = notFromHere(calls);
    if (far !== undefined) return { status: 'skipped', reason: far };
    const by = answeredBy(call);
    const looked = [
      `HTTP to ${endpointText(call.address, call.port)} of the pool ${pool?.name}`,
      ...(by === undefined ? [] : [`answered by ${by.pod} on ${by.node}`]),
      arpText(call, pool?.advertise),
    ].join(', ');
    const findings: Finding[] = [
      ...(by === undefined
        ? [
            {
              what: `${endpointText(call.address, call.port)} does not answer`,
              why: silence(call),
              fix: 'look at the speaker of the load balancer and at kube-proxy, or what replaces it, on the node that holds the address',
            },
          ]
        : []),
      ...(pool?.advertise === 'l2' && (call.neighbours?.length ?? 1) !== 1
        ? [
            {
              what: `${counted(call.neighbours?.length ?? 0, 'hardware address')} answer for ${call.address}: ${call.neighbours?.join(', ') ?? ''}`,
              why: 'one node is to answer ARP for an address; with IPVS another does without strictARP',
              fix: 'write "ipvs: {strictArp: true}", and look for another machine with this address',
            },
          ]
        : []),
    ];
    return verdictOf(looked, findings);
  },
};

function arpText(call: OutsideAnswer, advertise: 'l2' | 'bgp' | undefined): string {
  if (advertise !== 'l2') return 'announced by BGP';
  if (call.segment === undefined) return 'ARP not looked at: this machine is on another segment';
  if (call.neighbours === undefined) return 'ARP not looked at: `ip neigh` told nothing';
  return `ARP answered by ${call.neighbours.join(', ') || 'nobody'}`;
}
