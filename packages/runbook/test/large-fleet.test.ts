import { parseInventory, selectHosts } from '@skerry/inventory';
import { file, hostsEntries } from '@skerry/steps';
import { expect, test } from 'vitest';
import { CheckedDesires } from '../src/checked-desires.ts';
import { expand, type ExpandedPlay } from '../src/expand.ts';
import { play, runbook } from '../src/index.ts';
import { factsOf } from './facts-of.ts';

const size = 1000;
const hostNames = Array.from({ length: size }, (_, index) => `n-${index}`);
const inventory = parseInventory(
  [
    'cluster: { name: large }',
    'groups:',
    '  everything:',
    '    hosts:',
    ...hostNames.map(
      (name, index) => `      ${name}: { address: 10.0.${index >> 8}.${index & 255} }`,
    ),
    '',
  ].join('\n'),
  'large.yaml',
);
const addresses = Object.freeze(
  Object.fromEntries(inventory.hosts.map(({ name, address }) => [address, Object.freeze([name])])),
);
const book = runbook({
  name: 'large',
  description: '',
  plays: [
    play('All', { hosts: 'all' }, ({ host }) => {
      return [
        hostsEntries('cluster', addresses),
        file('/srv/name', { content: host.name }),
        ...Array.from({ length: 38 }, (_, index) => file(`/srv/${index}`, { content: 'x' })),
      ];
    }),
  ],
});

function expanded(checked: CheckedDesires | undefined, names: readonly string[]): ExpandedPlay[][] {
  const facts = factsOf('n-0');
  const members = new Map([['All', new Set(hostNames)]]);
  return selectHosts(inventory, names.join(',')).map((host) =>
    expand({
      runbook: book,
      inventory,
      host,
      facts,
      fleet: new Map(),
      members,
      tags: undefined,
      resolve: {
        render: (name) => name,
        source: (name) => name,
        manifest: (name) => name,
        chart: (name) => name,
      },
      canonical: (text) => text,
      ...(checked === undefined ? {} : { checked }),
    }),
  );
}

test('what is the same for a thousand hosts is checked once, and comes out the same', () => {
  const names = ['n-0', 'n-1', 'n-999'];
  expect(expanded(new CheckedDesires(), names)).toEqual(expanded(undefined, names));
  const all = expanded(new CheckedDesires(), hostNames);
  const entries = new Set(all.map(([first]) => first?.steps[0]?.desired));
  expect([all.length, entries.size]).toEqual([size, 1]);
});

test('a list that a runbook changes between two hosts is checked again', () => {
  const checked = new CheckedDesires();
  const list = ['a'];
  const seen = ['a', 'b'].map((name) => {
    list[0] = name;
    return checked.of('step', { list, size: 1 }, () => [...list]);
  });
  expect(seen).toEqual([['a'], ['b']]);
});
