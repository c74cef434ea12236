import type { Host } from '@skerry/inventory';
import {
  parseRange,
  prefixLength,
  rangeContains,
  rangesOverlap,
  sizeOf,
  type AddressRange,
} from '../address-range.ts';
import { networksOf, poolRanges, type NamedRange } from './named-ranges.ts';
import type { Breach, Rule, Subject } from './rule.ts';

/** The pod network is cut into one block for each node: a /24 of IPv4, a /64 of IPv6 (kube-controller-manager). */
const nodePrefix = { 4: 24, 6: 64 } as const;

/** Breaches of hosts whose address lies in a range: one for each line of the file. */
export function* hostsIn(
  hosts: readonly Host[],
  range: AddressRange,
  name: string,
): Iterable<Breach> {
  const told = new Set<string>();
  for (const host of hosts) {
    if (!rangeContains(range, host.address)) continue;
    const at = host.origins.get('address')?.at ?? host.at;
    const line = `${at.line}:${at.column}`;
    if (told.has(line)) continue;
    told.add(line);
    yield { what: `${host.address}, the address of ${host.name}, lies in ${name}`, at };
  }
}

function families(networks: readonly string[]): string {
  return networks.map((network) => `IPv${parseRange(network)?.family ?? '?'}`).join(' and ');
}

function* pairsThatOverlap(
  all: readonly NamedRange[],
): Iterable<readonly [NamedRange, NamedRange]> {
  for (const [index, one] of all.entries()) {
    for (const other of all.slice(index + 1)) {
      if (rangesOverlap(one.range, other.range)) yield [one, other];
    }
  }
}

function nodesFit({ kubernetes, inventory }: Subject, network: string): number | undefined {
  const range = parseRange(network);
  const cni = kubernetes.network.cni?.name;
  if (range === undefined || cni === 'calico' || cni === 'weave' || cni === 'routed') {
    return undefined;
  }
  const bits = nodePrefix[range.family] - prefixLength(network);
  const room = bits < 0 ? 0 : bits > 30 ? Number.POSITIVE_INFINITY : 2 ** bits;
  return inventory.hosts.length > room ? room : undefined;
}

export const networkRules: readonly Rule[] = [
  {
    id: 'networks-overlap',
    severity: 'error',
    wants: 'The networks of pods, Services and pools have no address in common.',
    reason: 'an address that belongs to two of them is reached in one of them only',
    fix: 'give each of them a network of its own',
    source: 'kubernetes.io/docs/concepts/cluster-administration/networking',
    needs: 'inventory',
    *check({ kubernetes }) {
      const networks = networksOf(kubernetes);
      for (const [one, other] of pairsThatOverlap(networks)) {
        yield { what: `${other.name} overlaps with ${one.name}`, at: other.path };
      }
      for (const pool of poolRanges(kubernetes)) {
        for (const network of networks) {
          if (!rangesOverlap(pool.range, network.range)) continue;
          yield { what: `${pool.name} overlaps with ${network.name}`, at: pool.path };
        }
      }
    },
  },
  {
    id: 'node-in-cluster-network',
    severity: 'error',
    wants: 'No node, and not the endpoint, has an address in the network of pods or of Services.',
    reason: 'pods could not reach it: such an address is never looked for outside of the cluster',
    fix: 'give pods and Services networks that are used nowhere else on the site',
    source: 'kubernetes.io/docs/concepts/cluster-administration/networking',
    needs: 'inventory',
    *check({ kubernetes, inventory }) {
      const { endpoint } = kubernetes;
      for (const { range, name } of networksOf(kubernetes)) {
        yield* hostsIn(inventory.hosts, range, name);
        if (endpoint !== undefined && rangeContains(range, endpoint.address)) {
          yield {
            what: `${endpoint.address}, the address of the API, lies in ${name}`,
            at: 'endpoint.address',
          };
        }
      }
    },
  },
  {
    id: 'node-network-overlap',
    severity: 'error',
    wants: 'No interface of a node is in the network of pods or of Services.',
    reason: 'the node has two ways to the same addresses, and takes one of them',
    fix: 'give pods and Services networks that are used nowhere else on the site',
    source: 'kubernetes.io/docs/concepts/cluster-administration/networking',
    needs: 'facts',
    *check({ kubernetes, facts }) {
      for (const [host, { interfaces }] of facts) {
        for (const { name: device, addresses } of interfaces) {
          for (const address of addresses) {
            const own = parseRange(address);
            const hit =
              own && networksOf(kubernetes).find(({ range }) => rangesOverlap(range, own));
            if (hit !== undefined) {
              yield { what: `${device} of ${host} is in ${address}, in ${hit.name}`, at: { host } };
            }
          }
        }
      }
    },
  },
  {
    id: 'address-families-differ',
    severity: 'error',
    wants: 'Pods and Services have networks of the same address families, in the same order.',
    reason: 'the API server refuses to start, or Services get addresses that no pod can answer on',
    fix: 'write one network each, or for dual stack one of IPv4 and one of IPv6 each',
    source: 'kubernetes.io/docs/concepts/services-networking/dual-stack',
    needs: 'inventory',
    *check({ kubernetes: { network } }) {
      const [pods, services] = [families(network.pods), families(network.services)];
      if (pods === services && !/^(IPv[46]) and \1$/.test(pods)) return;
      yield {
        what: `pods have ${pods}, Services have ${services}`,
        at: 'network.services',
      };
    },
  },
  {
    id: 'pods-network-too-small',
    severity: 'error',
    wants: 'The network of pods has a block for each node.',
    reason: 'a node without a block of its own never becomes Ready',
    fix: 'take a larger network for pods: each node needs a /24 of IPv4, or a /64 of IPv6',
    source: 'kubernetes kube-controller-manager, --node-cidr-mask-size',
    needs: 'inventory',
    *check(subject) {
      const { pods } = subject.kubernetes.network;
      for (const [index, network] of pods.entries()) {
        const room = nodesFit(subject, network);
        if (room === undefined) continue;
        yield {
          what: `${network} has room for ${room} nodes, and there are ${subject.inventory.hosts.length}`,
          at: pods.length === 1 ? 'network.pods' : `network.pods[${index}]`,
        };
      }
    },
  },
  {
    id: 'services-network-size',
    severity: 'error',
    wants: 'The network of Services has at most 2^20 addresses, and room for the cluster’s own.',
    reason: 'the API server refuses a larger one, and kubeadm one in which the DNS has no address',
    fix: 'take a network between /12 and /28 of IPv4, or between /108 and /124 of IPv6',
    source: 'kubernetes cmd/kube-apiserver/app/options/validation.go; kubeadm validation.go',
    needs: 'inventory',
    *check({ kubernetes: { network } }) {
      const { services } = network;
      for (const [index, text] of services.entries()) {
        const range = parseRange(text);
        if (range === undefined) continue;
        const size = sizeOf(range);
        if (size <= 2n ** 20n && size >= 16n) continue;
        yield {
          what: `${text} is too ${size > 16n ? 'large' : 'small'} for Services`,
          at: services.length === 1 ? 'network.services' : `network.services[${index}]`,
        };
      }
    },
  },
];
