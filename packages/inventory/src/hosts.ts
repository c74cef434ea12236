import { nearest } from '@skerry/diagnostics';
import { addressFault, isHostName } from './addresses.ts';
import type { Findings, Place } from './findings.ts';
import type { GroupDraft } from './groups.ts';
import { expandRanges, hasRange } from './ranges.ts';
import { entryOf, type MapTree, type YamlTree } from './yaml-tree.ts';

export interface HostDraft {
  readonly name: string;
  /** The key that defines it, a range perhaps. */
  place: Place;
  readonly groups: string[];
  body: MapTree | undefined;
  address: { readonly value: string; readonly place: Place } | undefined;
  /** Something about it is wrong and was told; what follows from that is not told as well. */
  broken: boolean;
}

/** All hosts by name, in the order of the file. */
export function collectHosts(
  groups: ReadonlyMap<string, GroupDraft>,
  findings: Findings,
): Map<string, HostDraft> {
  const collector = new Collector(findings);
  for (const group of groups.values()) {
    const hosts = entryOf(group.body, 'hosts')?.value;
    if (hosts?.kind === 'map') {
      for (const [pattern, { key, value }] of hosts.entries) {
        collector.take(group.name, pattern, key, value);
      }
    } else if (hosts?.kind === 'list') {
      for (const item of hosts.items) {
        if (item.kind !== 'scalar' || typeof item.value !== 'string') continue;
        collector.take(group.name, item.value, item, undefined);
      }
    }
  }
  for (const [name, host] of collector.hosts) {
    if (groups.has(name)) {
      findings.add(host.place, 'name-clash', `"${name}" is the name of a host and of a group`, {
        why: 'in --limit and in plays nobody could tell which of them is meant',
        fix: 'rename the group',
      });
    }
  }
  return new Map([...collector.hosts].toSorted(([, a], [, b]) => a.place.start - b.place.start));
}

class Collector {
  readonly hosts = new Map<string, HostDraft>();
  readonly #findings: Findings;

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  take(group: string, pattern: string, place: Place, value: YamlTree | undefined): void {
    const expansion = expandRanges(pattern);
    if ('fault' in expansion) {
      this.#findings.add(
        place,
        'bad-range',
        `the range in "${pattern}" is not valid`,
        expansion.fault,
      );
      return;
    }
    const names = expansion.texts;
    const bad = names.find((name) => !isHostName(name));
    if (bad !== undefined) {
      const lower = bad.toLowerCase();
      this.#findings.add(place, 'invalid-host-name', `"${bad}" cannot be the name of a host`, {
        why: 'a host name is lower-case letters, digits, hyphens and dots (RFC 1123), as the hostname and for Kubernetes',
        fix: isHostName(lower) ? `write it in lower case: "${lower}"` : undefined,
      });
      return;
    }
    const isReference = value === undefined || (value.kind === 'scalar' && value.value === null);
    const body = value?.kind === 'map' ? value : undefined;
    const twice: HostDraft[] = [];
    const addresses = body === undefined ? undefined : this.#addresses(names, body);
    const broken =
      addresses?.broken === true || (!isReference && body === undefined) || misspelt(body);
    for (const [index, name] of names.entries()) {
      const known = this.hosts.get(name);
      const value = addresses?.texts[index];
      const address = value === undefined ? undefined : { value, place: addresses?.place ?? place };
      if (known === undefined) {
        this.hosts.set(name, { name, place, groups: [group], body, address, broken });
      } else if (known.groups.includes(group) || (body !== undefined && known.body !== undefined)) {
        twice.push(known);
      } else {
        known.groups.push(group);
        if (body !== undefined) Object.assign(known, { place, body, address, broken });
      }
    }
    this.#duplicates(twice, place);
  }

  #duplicates(twice: readonly HostDraft[], place: Place): void {
    const byPlace = Map.groupBy(twice, (host) => host.place.start);
    for (const [start, hosts] of byPlace) {
      const more = hosts.length > 1 ? ` (and ${hosts.length - 1} more)` : '';
      this.#findings.add(
        place,
        'duplicate-host',
        `the host "${hosts[0]?.name}"${more} is there twice`,
        {
          why: `it stands at ${this.#findings.source.lineAt(start)} already`,
          fix: 'leave out one of them; to put a host into a second group, name it there without settings',
        },
      );
    }
  }

  #addresses(
    names: readonly string[],
    body: MapTree,
  ): { texts: readonly string[]; place: Place; broken: boolean } {
    const place = entryOf(body, 'address')?.value;
    if (place?.kind !== 'scalar' || typeof place.value !== 'string') {
      return { texts: [], place: body, broken: place !== undefined };
    }
    const broken = { texts: [], place, broken: true };
    const text = place.value;
    if (hasRange(text) && /^\[[0-9A-Fa-f:.]*\](:\d+)?$/.test(text)) {
      const fault = addressFault(text);
      this.#findings.add(place, 'invalid-address', `"${text}" is not an address`, fault);
      return broken;
    }
    const expansion = expandRanges(text);
    if ('fault' in expansion) {
      this.#findings.add(
        place,
        'bad-range',
        `the range in "${text}" is not valid`,
        expansion.fault,
      );
      return broken;
    }
    const { texts } = expansion;
    if (texts.length !== names.length) {
      this.#findings.add(
        place,
        'bad-range',
        `${count(texts.length, 'address', 'addresses')} for ${count(names.length, 'host', 'hosts')}`,
        {
          why: 'the ranges in the name and in the address go in parallel, so they must be equally long',
          fix: lastOfRange(text, texts.length, names.length),
        },
      );
      return broken;
    }
    for (const address of texts) {
      const fault = addressFault(address);
      if (fault === undefined) continue;
      this.#findings.add(place, 'invalid-address', `"${address}" is not an address`, fault);
      return broken;
    }
    return { texts, place, broken: false };
  }
}

function count(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`;
}

/** Where the address has one plain range: the range that would fit. */
function lastOfRange(text: string, have: number, want: number): string | undefined {
  const range = /^([^[\]]*)\[(\d+):(\d+)\]([^[\]]*)$/.exec(text);
  if (range !== null && have > 0) {
    const first = range[2] ?? '0';
    const last = String(Number(first) + want - 1);
    return `write ${range[1]}[${first}:${last}]${range[4]}`;
  }
  const address = /^(.*\.)(\d+)$/.exec(text);
  if (address === null || want < 2) return undefined;
  return `write ${address[1]}[${address[2]}:${Number(address[2]) + want - 1}]`;
}

/** Whether a key was probably meant to be `address`: then the address is not missing as well. */
function misspelt(body: MapTree | undefined): boolean {
  if (body === undefined || body.entries.has('address')) return false;
  return [...body.entries.keys()].some(
    (key) => key === 'ansible_host' || nearest(key, ['address']) !== undefined,
  );
}
