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

type Balancer = Exclude<KubernetesSettings['loadBalancer']['cilium'], undefined>;

/** Who gives out addresses of Services, with the path of his section. */
export function balancers({ loadBalancer }: KubernetesSettings): (Pick<
  Balancer,
  'pools' | 'peers' | 'communities'
> & {
  readonly section: string;
})[] {
  return (['metallb', 'cilium'] as const).flatMap((name) => {
    const found = loadBalancer[name];
    return found === undefined ? [] : [{ ...found, section: `loadBalancer.${name}` }];
  });
}

/** Every part of every pool that has a size. */
export function poolRanges(kubernetes: KubernetesSettings): NamedRange[] {
  return balancers(kubernetes).flatMap(({ section, pools }) =>
    pools.flatMap((pool, at) =>
      pool.addresses.flatMap((text, index) => {
        const range = parseRange(text);
        if (range === undefined) return [];
        const path = `${section}.pools[${at}].addresses[${index}]`;
        return [{ name: `${text} of the pool "${pool.name}"`, path, range }];
      }),
    ),
  );
}
