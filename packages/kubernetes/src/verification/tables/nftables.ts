import { z } from 'zod';
import { endpointText } from '../cluster-view.ts';
import { frontend, TableBuilder, type ServiceTable } from './table.ts';

/** Everything that `nft -j list table` may print; only what is looked for is spelt out. */
const ruleset = z.object({ nftables: z.array(z.record(z.string(), z.unknown())) });
const rule = z.object({ chain: z.string(), expr: z.array(z.unknown()) });
const map = z.object({ name: z.string(), elem: z.array(z.unknown()).default([]) });

const concat = z.object({ concat: z.array(z.union([z.string(), z.number()])) });
const jumpTo = z.object({ target: z.string() });
const destination = z.object({
  addr: z.unknown(),
  port: z.union([z.number(), z.string()]).optional(),
});

/** Every value below a key, however deep. */
function* below(value: unknown, key: string): Generator {
  if (Array.isArray(value)) {
    for (const item of value) yield* below(item, key);
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, inner] of Object.entries(value)) {
      if (name === key) yield inner;
      yield* below(inner, key);
    }
  }
}

/** `dnat to 10.0.0.1:80`, or by a map of addresses and ports. */
function backendsOf(expressions: readonly unknown[]): string[] {
  return [...below(expressions, 'dnat')].flatMap((value) => {
    const to = destination.safeParse(value);
    if (!to.success) return [];
    const { addr, port } = to.data;
    if (typeof addr === 'string') return [endpointText(addr, Number(port))];
    return [...below(addr, 'concat')].flatMap((pair) => {
      const [address, number] = z.array(z.unknown()).parse(pair);
      return typeof address === 'string' ? [endpointText(address, Number(number))] : [];
    });
  });
}

function targetsOf(expressions: unknown): string[] {
  return ['goto', 'jump'].flatMap((verb) =>
    [...below(expressions, verb)].flatMap((value) => {
      const target = jumpTo.safeParse(value);
      return target.success ? [target.data.target] : [];
    }),
  );
}

/** Reads what `nft -j list table ip kube-proxy` prints: kube-proxy's map `service-ips`, and its chains. */
export function parseNftables(text: string): ServiceTable {
  const chains = new Map<string, unknown[]>();
  const table = new TableBuilder();
  const services: { key: string; chain: string }[] = [];
  for (const item of ruleset.parse(JSON.parse(text)).nftables) {
    if ('rule' in item) {
      const { chain, expr } = rule.parse(item['rule']);
      chains.set(chain, [...(chains.get(chain) ?? []), ...expr]);
    }
    if (!('map' in item)) continue;
    const { name, elem } = map.parse(item['map']);
    if (name !== 'service-ips' && name !== 'no-endpoint-services') continue;
    for (const one of elem) {
      const [from, to] = Array.isArray(one) ? (one as unknown[]) : [];
      const key = concat.safeParse(keyOf(from));
      if (!key.success) continue;
      const [address = '', protocol = '', port = 0] = key.data.concat;
      const service = frontend(String(protocol), endpointText(String(address), Number(port)));
      table.add(service);
      const [chain] = targetsOf(to);
      if (name === 'service-ips' && chain !== undefined) services.push({ key: service, chain });
    }
  }
  const known = new Map<string, string[]>();
  const reach = (chain: string): string[] => {
    const found = known.get(chain);
    if (found !== undefined) return found;
    known.set(chain, []);
    const expressions = chains.get(chain) ?? [];
    const all = [...backendsOf(expressions), ...targetsOf(expressions).flatMap(reach)];
    known.set(chain, all);
    return all;
  };
  for (const { key, chain } of services) table.add(key, reach(chain));
  return table.table;
}

/** An element with a comment or a counter stands one level deeper. */
function keyOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'elem' in value
    ? (value.elem as { readonly val?: unknown }).val
    : value;
}
