import { didYouMean } from '@skerry/diagnostics';
import type { KubernetesSettings, MetallbSettings } from '@skerry/inventory';
import { stringify } from 'yaml';
import { parseRange, rangeContains, rangesOverlap } from '../address-range.ts';
import { balancers, poolRanges } from './named-ranges.ts';
import { hostsIn } from './networks.ts';
import type { Breach, Rule } from './rule.ts';

/** Above this, one node per address and ARP for all of them are too much (MetalLB, concepts/layer2). */
const layer2Nodes = 50;

type Balancer = ReturnType<typeof balancers>[number];

function allPools(kubernetes: KubernetesSettings): {
  readonly pool: Balancer['pools'][number];
  readonly path: string;
  readonly balancer: Balancer;
}[] {
  return balancers(kubernetes).flatMap((balancer) =>
    balancer.pools.map((pool, at) => ({
      pool,
      path: `${balancer.section}.pools[${at}]`,
      balancer,
    })),
  );
}

/** Interfaces of pods, and kube-ipvs0, on which kube-proxy puts the addresses of Services itself. */
const notOfTheNode = /^(kube-ipvs0$|cni0$|lxc|cali|cilium_|flannel)/;

/** What is said of pools or peers, without what would be so anyway. */
function shortForm(items: readonly Readonly<Record<string, unknown>>[]): object[] {
  return items.map((item) =>
    Object.fromEntries(
      Object.entries(item).filter(
        ([key, value]) =>
          value !== undefined &&
          (value !== false || key === 'autoAssign') &&
          !(Array.isArray(value) && value.length === 0) &&
          !(key === 'autoAssign' && value === true) &&
          !(key === 'port' && value === 179),
      ),
    ),
  );
}

const elsewhere = 'have Cilium announce the pool by BGP ("loadBalancer: {cilium: …}")';

/** What MetalLB refuses where it speaks BGP itself, and not by FRR (its internal/config/validation.go). */
function* beyondNativeBgp({ pools, peers, communities }: MetallbSettings): Iterable<Breach> {
  const section = 'loadBalancer.metallb';
  for (const [index, { name, bfd }] of peers.entries()) {
    if (!bfd) continue;
    yield {
      what: `BFD with the peer "${name}"`,
      at: `${section}.peers[${index}].bfd`,
      fix: 'leave "bfd" out',
    };
  }
  const smaller = 'take a community of two numbers, like 64512:100';
  for (const [name, value] of Object.entries(communities)) {
    if (!value.startsWith('large:')) continue;
    yield {
      what: `the community "${name}" is a large one, ${value}`,
      at: `${section}.communities.${name}`,
      fix: `${smaller}, or ${elsewhere}`,
    };
  }
  for (const [at, pool] of pools.entries()) {
    if (pool.advertise !== 'bgp') continue;
    const path = `${section}.pools[${at}]`;
    for (const [index, text] of pool.addresses.entries()) {
      if (parseRange(text)?.family !== 6) continue;
      yield {
        what: `${text} of the pool "${pool.name}" is IPv6, and advertised by BGP`,
        at: `${path}.addresses[${index}]`,
        fix: `write "advertise: l2", or ${elsewhere}`,
      };
    }
    for (const [index, value] of pool.communities.entries()) {
      if (!value.startsWith('large:')) continue;
      yield {
        what: `the pool "${pool.name}" has a large community, ${value}`,
        at: `${path}.communities[${index}]`,
        fix: `${smaller}, or ${elsewhere}`,
      };
    }
  }
}

export const loadBalancerRules: readonly Rule[] = [
  {
    id: 'metallb-legacy-form',
    severity: 'warning',
    wants: 'Settings of MetalLB are written in the form of this inventory.',
    reason:
      'MetalLB takes no notice of its old ConfigMap since 0.13; what stands here is translated into its objects',
    fix: 'write it anew, as it is shown',
    source: 'metallb.io/release-notes, 0.13 (Backward compatibility)',
    needs: 'inventory',
    *check({ kubernetes: { loadBalancer }, inventory }) {
      const at = 'loadBalancer.metallb.address-pools';
      const { metallb } = loadBalancer;
      if (metallb === undefined || !inventory.kubernetesPlaces.has(at)) return;
      const { pools, peers, communities } = metallb;
      const anew = {
        pools: shortForm(pools),
        ...(peers.length > 0 ? { peers: shortForm(peers) } : {}),
        ...(Object.keys(communities).length > 0 ? { communities } : {}),
      };
      yield {
        what: 'these are settings of MetalLB’s old ConfigMap',
        at,
        fix: `write under metallb:\n${stringify(anew).trimEnd()}`,
      };
    },
  },
  {
    id: 'pool-contains-node',
    severity: 'error',
    wants: 'No pool contains the address of a node, or of the endpoint.',
    reason: 'a Service would take the address away from the machine that has it',
    fix: 'take addresses that nobody has',
    source: 'metallb.io/configuration',
    needs: 'inventory',
    *check({ kubernetes, inventory }) {
      const { endpoint } = kubernetes;
      for (const { range, name } of poolRanges(kubernetes)) {
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
    id: 'pool-contains-interface',
    severity: 'error',
    wants: 'No pool contains an address of any interface of a node.',
    reason: 'a Service would take the address away from the machine that has it',
    fix: 'take addresses that nobody has',
    source: 'metallb.io/configuration',
    needs: 'facts',
    *check({ kubernetes, inventory, facts }) {
      const ranges = poolRanges(kubernetes);
      // Those that pool-contains-node tells already.
      const told = new Set(inventory.hosts.map(({ address }) => address));
      if (kubernetes.endpoint !== undefined) told.add(kubernetes.endpoint.address);
      for (const [host, { interfaces }] of facts) {
        for (const { name: device, addresses } of interfaces) {
          if (notOfTheNode.test(device)) continue;
          for (const text of addresses) {
            const address = text.split('/')[0] ?? '';
            const hit = ranges.find(({ range }) => rangeContains(range, address));
            if (hit === undefined || told.has(address)) continue;
            yield {
              what: `${device} of ${host} has ${address}, which lies in ${hit.name}`,
              at: { host },
            };
          }
        }
      }
    },
  },
  {
    id: 'pools-overlap',
    severity: 'error',
    wants: 'No address is in two pools, or in one pool twice.',
    reason: 'MetalLB refuses the whole configuration',
    fix: 'cut one of them',
    source: 'metallb internal/config/config.go',
    needs: 'inventory',
    *check({ kubernetes }) {
      const ranges = poolRanges(kubernetes);
      for (const [index, one] of ranges.entries()) {
        for (const other of ranges.slice(index + 1)) {
          if (!rangesOverlap(one.range, other.range)) continue;
          yield { what: `${other.name} overlaps with ${one.name}`, at: other.path };
        }
      }
    },
  },
  {
    id: 'pool-unsized',
    severity: 'error',
    wants: 'Every pool says which addresses it has.',
    reason: 'MetalLB takes networks and ranges only, and refuses the whole configuration otherwise',
    fix: 'write a network (10.20.1.0/27) or a range (10.20.1.10-10.20.1.20); one address is /32',
    source: 'metallb.io/configuration',
    needs: 'inventory',
    *check({ kubernetes }) {
      for (const { pool, path } of allPools(kubernetes)) {
        if (pool.addresses.length === 0) {
          yield { what: `the pool "${pool.name}" is empty`, at: `${path}.addresses` };
        }
        for (const [index, text] of pool.addresses.entries()) {
          if (parseRange(text) !== undefined) continue;
          const fix = parseRange(`${text}/32`) === undefined ? undefined : `write ${text}/32`;
          yield {
            what: `"${text}" in the pool "${pool.name}" is no network and no range`,
            at: `${path}.addresses[${index}]`,
            ...(fix === undefined ? {} : { fix }),
          };
        }
      }
    },
  },
  {
    id: 'pool-name-twice',
    severity: 'error',
    wants: 'Pools and peers have names of their own.',
    reason: 'the second one would overwrite the first',
    fix: 'rename one of them',
    source: 'kubernetes.io/docs/concepts/overview/working-with-objects/names',
    needs: 'inventory',
    *check({ kubernetes }) {
      for (const balancer of balancers(kubernetes)) {
        for (const kind of ['pools', 'peers'] as const) {
          const seen = new Set<string>();
          for (const [index, { name }] of balancer[kind].entries()) {
            if (seen.has(name)) {
              const at = `${balancer.section}.${kind}[${index}].name`;
              yield { what: `two ${kind} are called "${name}"`, at };
            }
            seen.add(name);
          }
        }
      }
    },
  },
  {
    id: 'metallb-l2-large',
    severity: 'warning',
    wants: 'Above 50 nodes pools are advertised by BGP.',
    reason:
      'with L2 one node carries all traffic of an address, and all nodes follow who leads by memberlist',
    fix: 'write "advertise: bgp" and "peers"',
    source: 'metallb.io/concepts/layer2',
    needs: 'inventory',
    *check({ kubernetes: { loadBalancer }, inventory }) {
      if (inventory.hosts.length <= layer2Nodes) return;
      for (const [at, { name, advertise }] of (loadBalancer.metallb?.pools ?? []).entries()) {
        if (advertise !== 'l2') continue;
        yield {
          what: `the pool "${name}" is advertised by L2 to ${inventory.hosts.length} nodes`,
          at: `loadBalancer.metallb.pools[${at}].advertise`,
        };
      }
    },
  },
  {
    id: 'metallb-bgp-without-peers',
    severity: 'error',
    wants: 'A pool that is advertised by BGP has somebody to tell.',
    reason: 'without a peer nobody outside learns where the addresses are',
    fix: 'write "peers: [{name: …, address: …, asn: …, localAsn: …}]", or "advertise: l2"',
    source: 'metallb.io/configuration/_advanced_bgp_configuration',
    needs: 'inventory',
    *check({ kubernetes }) {
      for (const { pool, path, balancer } of allPools(kubernetes)) {
        if (pool.advertise !== 'bgp' || balancer.peers.length > 0) continue;
        yield { what: `the pool "${pool.name}" has no peer`, at: `${path}.advertise` };
      }
    },
  },
  {
    id: 'metallb-native-bgp',
    severity: 'error',
    wants: 'MetalLB is asked for no more than its native BGP can do.',
    reason:
      'MetalLB’s native BGP, which is what Skerry installs, knows no BFD, no IPv6 and no large communities; its webhook refuses them',
    fix: 'leave it out',
    source: 'metallb internal/config/validation.go, DiscardFRROnly',
    needs: 'inventory',
    *check({ kubernetes: { loadBalancer } }) {
      if (loadBalancer.metallb !== undefined) yield* beyondNativeBgp(loadBalancer.metallb);
    },
  },
  {
    id: 'metallb-unknown-community',
    severity: 'error',
    wants: 'Communities of a pool are written out, or named under "communities".',
    reason: 'MetalLB refuses the advertisement',
    fix: 'write 64512:100, or name it under "communities"',
    source: 'metallb.io/apis, Community',
    needs: 'inventory',
    *check({ kubernetes }) {
      for (const { pool, path, balancer } of allPools(kubernetes)) {
        const names = Object.keys(balancer.communities);
        for (const [index, name] of pool.communities.entries()) {
          if (/^(large:\d+:\d+:\d+|\d+:\d+)$/.test(name) || names.includes(name)) continue;
          const near = didYouMean(name, names);
          yield {
            what: `there is no community "${name}"`,
            at: `${path}.communities[${index}]`,
            ...(near === undefined ? {} : { fix: near }),
          };
        }
      }
    },
  },
];
