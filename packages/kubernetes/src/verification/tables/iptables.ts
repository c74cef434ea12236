import { endpointText } from '../cluster-view.ts';
import { frontend, TableBuilder, type ServiceTable } from './table.ts';

/** The value of an option of a rule: `-d 10.96.0.1/32`. */
function option(words: readonly string[], name: string): string | undefined {
  const at = words.indexOf(name);
  return at < 0 ? undefined : words[at + 1];
}

/** Reads what `iptables-save -t nat` prints: kube-proxy's chains KUBE-SERVICES, KUBE-SVC, KUBE-SEP. */
export function parseIptables(text: string): ServiceTable {
  const table = new TableBuilder();
  const services: { key: string; chain: string }[] = [];
  const jumps = new Map<string, Set<string>>();
  const destinations = new Map<string, Set<string>>();
  const put = (map: Map<string, Set<string>>, key: string, value: string): void => {
    map.set(key, (map.get(key) ?? new Set()).add(value));
  };
  for (const line of text.split('\n')) {
    if (!line.startsWith('-A KUBE-')) continue;
    // Comments may hold what looks like an option.
    const words = line.replaceAll(/--comment ("(?:[^"\\]|\\.)*"|\S+)/g, '').split(/\s+/);
    const [, chain = ''] = words;
    const target = option(words, '-j') ?? '';
    const to = option(words, '--to-destination');
    if (to !== undefined) put(destinations, chain, to);
    if (chain !== 'KUBE-SERVICES') {
      put(jumps, chain, target);
      continue;
    }
    const address = option(words, '-d')?.split('/')[0];
    const port = Number(option(words, '--dport'));
    const protocol = option(words, '-p');
    if (address === undefined || protocol === undefined || !(port > 0)) continue;
    const key = frontend(protocol, endpointText(address, port));
    table.add(key);
    services.push({ key, chain: target });
  }
  const reach = (chain: string, seen = new Set<string>()): string[] => {
    if (seen.has(chain)) return [];
    seen.add(chain);
    const next = [...(jumps.get(chain) ?? [])].filter((target) => target.startsWith('KUBE-S'));
    return [...(destinations.get(chain) ?? []), ...next.flatMap((target) => reach(target, seen))];
  };
  for (const { key, chain } of services) table.add(key, reach(chain));
  return table.table;
}
