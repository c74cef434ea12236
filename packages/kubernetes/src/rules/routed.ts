import { parseRange, rangesOverlap } from '../address-range.ts';
import { blockOf, podBlocks, podsNetwork4 } from '../networks/pod-blocks.ts';
import type { Breach, Rule, Subject } from './rule.ts';

function isRouted({ kubernetes: { network } }: Subject): boolean {
  return network.cni?.name === 'routed';
}

const blocks = 'network.cni.routed.blocks';

/** Blocks that the inventory names itself and that cannot be. */
function* namedBlocks({ kubernetes, inventory }: Subject): Iterable<Breach> {
  const { cni } = kubernetes.network;
  const pods = parseRange(podsNetwork4(kubernetes) ?? '');
  if (cni?.name !== 'routed' || pods === undefined) return;
  const hosts = new Set(inventory.hosts.map(({ name }) => name));
  for (const [host, block] of Object.entries(cni.blocks)) {
    const at = `${blocks}.${host}`;
    const range = parseRange(block);
    if (!hosts.has(host)) yield { what: `there is no host "${host}"`, at };
    else if (range === undefined || range.first < pods.first || range.last > pods.last) {
      yield { what: `${block} does not lie in the network of pods`, at };
    }
  }
}

export const routedRules: readonly Rule[] = [
  {
    id: 'routed-blocks-collide',
    severity: 'error',
    wants: 'With cni: routed every node has a block of the network of pods for itself.',
    reason:
      'the block follows from the node’s address, and two nodes with the same one would answer for each other’s pods',
    fix: 'give pods a larger network: as many blocks as the segment has addresses; or name a block under "blocks"',
    source: 'docs/networks.md',
    needs: 'inventory',
    *check(subject) {
      const { kubernetes, inventory } = subject;
      const seen: [host: string, block: string][] = [];
      for (const [host, block] of podBlocks(kubernetes, inventory.hosts).blocks) {
        const range = parseRange(block);
        const other = seen.find(([, taken]) => {
          const one = parseRange(taken);
          return range !== undefined && one !== undefined && rangesOverlap(range, one);
        });
        seen.push([host, block]);
        if (other === undefined) continue;
        const found = inventory.hosts.find(({ name }) => name === host);
        yield {
          what: `${host} and ${other[0]} both get ${block}`,
          at: found?.origins.get('address')?.at ?? found?.at ?? 'network.cni',
        };
      }
    },
  },
  {
    id: 'routed-block-wrong',
    severity: 'error',
    wants: 'Blocks that are named are of hosts that exist, and lie in the network of pods.',
    reason: 'nobody looks for pods anywhere else',
    fix: 'correct it, or leave it out: the block follows from the address of the host',
    source: 'docs/networks.md',
    needs: 'inventory',
    check: namedBlocks,
  },
  {
    id: 'routed-without-address',
    severity: 'error',
    wants: 'With cni: routed hosts have an IPv4 address in the inventory.',
    reason: 'the block of a node, and the route to it, follow from its address',
    fix: 'write the address as a number',
    source: 'docs/networks.md',
    needs: 'inventory',
    *check(subject) {
      if (!isRouted(subject)) return;
      for (const { name, address, origins, at } of subject.inventory.hosts) {
        if (parseRange(`${address}/32`)?.family === 4) continue;
        yield {
          what: `"${address}", the address of ${name}, is no IPv4 address`,
          at: origins.get('address')?.at ?? at,
        };
      }
    },
  },
  {
    id: 'routed-ipv4-only',
    severity: 'error',
    wants: 'With cni: routed pods have one network, of IPv4.',
    reason:
      'nodes answer for the pods of their block by ARP; IPv6 has no such answer for a block of 2^64 addresses',
    fix: 'leave the IPv6 networks of pods and Services out, or take Cilium or Calico',
    source: 'ip-neighbour(8); RFC 4389',
    needs: 'inventory',
    *check(subject) {
      const { pods } = subject.kubernetes.network;
      if (!isRouted(subject)) return;
      if (pods.length === 1 && podsNetwork4(subject.kubernetes) !== undefined) return;
      yield { what: `pods have ${pods.join(' and ')}`, at: 'network.pods' };
    },
  },
  {
    id: 'routed-network-small',
    severity: 'error',
    wants: 'With cni: routed the network of pods holds at least one block.',
    reason: 'a node without a block has no addresses for its pods',
    fix: 'take a larger network for pods, or a smaller block ("blockSize: 25")',
    source: 'docs/networks.md',
    needs: 'inventory',
    *check(subject) {
      const { cni, pods } = subject.kubernetes.network;
      const network = podsNetwork4(subject.kubernetes);
      if (cni?.name !== 'routed' || network === undefined) return;
      if (blockOf(network, cni.blockSize, '0.0.0.0') !== undefined) return;
      const at = pods.length === 1 ? 'network.pods' : `network.pods[${pods.indexOf(network)}]`;
      yield { what: `${network} is smaller than a block of /${cni.blockSize}`, at };
    },
  },
];
