import type { Inventory } from '@skerry/inventory';
import { parseRange, rangeContains } from '../address-range.ts';
import { ciliumPoolLabels } from '../networks/cilium-objects.ts';

interface ProbePool {
  readonly balancer: 'metallb' | 'cilium';
  readonly name: string;
  readonly advertise: 'l2' | 'bgp';
  readonly addresses: readonly string[];
  readonly autoAssign: boolean;
}

function poolsOf({ kubernetes: { loadBalancer } }: Inventory): ProbePool[] {
  return (['metallb', 'cilium'] as const).flatMap((balancer) =>
    (loadBalancer[balancer]?.pools ?? []).map((pool) => ({ ...pool, balancer })),
  );
}

/** The pool that the probe asks an address of: one of layer 2 where there is one. */
export function poolOfProbe(inventory: Inventory): ProbePool | undefined {
  const pools = poolsOf(inventory);
  return pools.find(({ advertise }) => advertise === 'l2') ?? pools[0];
}

/**
 * The pool that the probe's address is of. Of Cilium's pools that are given out by themselves none can
 * be asked for by name: it takes one of them, and they are all told in the same way (cilium-pools-mixed).
 */
export function poolOfAddress(inventory: Inventory, address: string): ProbePool | undefined {
  const asked = poolOfProbe(inventory);
  const holds = ({ addresses }: ProbePool): boolean =>
    addresses.some((text) => {
      const range = parseRange(text);
      return range !== undefined && rangeContains(range, address);
    });
  return asked !== undefined && holds(asked) ? asked : (poolsOf(inventory).find(holds) ?? asked);
}

/** What a Service carries in its metadata to get an address of a pool. */
export function asksFor(pool: ProbePool): {
  readonly annotations?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
} {
  if (pool.balancer === 'cilium') return { labels: ciliumPoolLabels(pool) };
  return {
    annotations: {
      'metallb.io/address-pool': pool.name,
      // The name before 0.15.
      'metallb.universe.tf/address-pool': pool.name,
    },
  };
}
