import type { KubernetesSettings } from '@skerry/inventory';
import { parseRange, type AddressRange } from '../address-range.ts';

/** Addresses, what they are called, and where they stand below `kubernetes`. */
export interface NamedRange {
  readonly name: string;
  readonly path: string;
  readonly range: AddressRange;
}

/** The networks of pods and Services. */
export function networksOf({ network }: KubernetesSettings): NamedRange[] {
  return (['pods', 'services'] as const).flatMap((key) =>
    network[key].flatMap((text, index) => {
      const range = parseRange(text);
      if (range === undefined) return [];
      const name = `the network of ${key === 'pods' ? 'pods' : 'Services'}, ${text}`;
      const path = network[key].length === 1 ? `network.${key}` : `network.${key}[${index}]`;
      return [{ name, path, range }];
    }),
  );
}

/** Every part of every pool that has a size. */
export function poolRanges({ loadBalancer }: KubernetesSettings): NamedRange[] {
  const pools = loadBalancer.metallb?.pools ?? [];
  return pools.flatMap((pool, at) =>
    pool.addresses.flatMap((text, index) => {
      const range = parseRange(text);
      if (range === undefined) return [];
      const path = `loadBalancer.metallb.pools[${at}].addresses[${index}]`;
      return [{ name: `${text} of the pool "${pool.name}"`, path, range }];
    }),
  );
}
