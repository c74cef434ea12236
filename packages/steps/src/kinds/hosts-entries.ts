import { z } from 'zod';
import type { Change } from '../change.ts';
import type { Step, StepKind, StepOptions } from '../kind.ts';
import {
  convergeBlock,
  diffBlock,
  parseBlock,
  probeBlock,
  type BlockObserved,
  type ManagedBlock,
} from '../managed-block.ts';

const hostName = z
  .string()
  .max(253)
  .regex(/^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$/);

const schema = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9 ._-]*$/),
  /** Names by address; the first one is the canonical name. */
  entries: z.record(z.union([z.ipv4(), z.ipv6()]), z.array(hostName).min(1)),
});
type Desired = z.infer<typeof schema>;

/** IPv4 first, each in the order of its numbers. */
function sortKey(address: string): string {
  if (address.includes(':')) return `6${address}`;
  return `4${address.replaceAll(/\d+/g, (number) => number.padStart(3, '0'))}`;
}

const blocks = new WeakMap<Desired, ManagedBlock>();

/** Made once for all the hosts of a fleet that want the same. */
function managed(desired: Desired): ManagedBlock {
  const block = blocks.get(desired) ?? makeBlock(desired);
  blocks.set(desired, block);
  return block;
}

/**
 * Distributions give the host's own name to 127.0.1.1. The first line with a name counts, so the
 * block goes before that line, and the line stays as it is.
 */
function makeBlock({ name, entries }: Desired): ManagedBlock {
  const sorted = Object.entries(entries)
    .map(([address, names]) => ({ key: sortKey(address), address, names }))
    .toSorted((a, b) => (a.key < b.key ? -1 : 1));
  return {
    path: '/etc/hosts',
    begin: `# BEGIN Skerry ${name}`,
    end: `# END Skerry ${name}`,
    content: sorted.map(({ address, names }) => `${address} ${names.join(' ')}\n`).join(''),
    place: 'before',
    anchor: String.raw`^[[:space:]]*127\.0\.1\.1[[:space:]]`,
    orEnd: true,
    create: true,
    sensitive: false,
    mode: '0644',
    owner: 'root',
    group: 'root',
  };
}

/** Lines of others that give one of our names another address of the same family. */
function conflicts({ entries }: Desired, block: ManagedBlock, text: string): Change[] {
  const addressOf = new Map<string, string>();
  for (const [address, names] of Object.entries(entries)) {
    for (const name of names) {
      addressOf.set(`${address.includes(':') ? 6 : 4} ${name.toLowerCase()}`, address);
    }
  }
  const found: Change[] = [];
  let inside = false;
  for (const [index, line] of text.split('\n').entries()) {
    if (line === block.begin || line === block.end) inside = line === block.begin;
    const [address, ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (inside || address === undefined || /^127\.|^::1$/.test(address)) continue;
    for (const name of names) {
      const ours = addressOf.get(`${address.includes(':') ? 6 : 4} ${name.toLowerCase()}`);
      if (ours === undefined || ours === address) continue;
      found.push({
        subject: `${block.path} (${name})`,
        action: 'refuse',
        why: `line ${index + 1} says that ${name} is ${address}, not ${ours}`,
        fix: `remove that line, or correct the address of ${name} in the inventory`,
      });
    }
  }
  return found;
}

/** Names and addresses in /etc/hosts, as a block of lines; all other lines stay as they are. */
export const hostsEntriesKind: StepKind<Desired, BlockObserved> = {
  kind: 'hostsEntries',
  schema,
  summary: (desired) => `${Object.keys(desired.entries).length} addresses in /etc/hosts`,
  probe: (desired) => probeBlock(managed(desired)),
  parse: parseBlock,
  diff: (desired, observed) => {
    const block = managed(desired);
    const refused = conflicts(desired, block, observed.text ?? '');
    return refused.length > 0 ? refused : diffBlock(block, observed);
  },
  converge: (desired) => convergeBlock(managed(desired)),
};

/** `hostsEntries('cluster', { '10.20.0.11': ['oslo-cp-1.example.org', 'oslo-cp-1'] })` */
export function hostsEntries(
  name: string,
  entries: Readonly<Record<string, readonly string[]>>,
  options: StepOptions = {},
): Step {
  return { kind: hostsEntriesKind, name, desired: { name, entries }, options };
}
