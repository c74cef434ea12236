import { describe, expect, test } from 'vitest';
import { blockOf, podBlocks } from '../src/networks/pod-blocks.ts';
import { networkSteps } from '../src/networks/network-steps.ts';
import { changed, marked } from './marked-inventory.ts';

const routed = changed(
  ['cni: cilium', 'cni: routed'],
  ['default: deny', 'default: allow'],
  ['allow: [dns]', 'allow: []'],
);
const facts = { interfaces: [{ name: 'eth0', mtu: 9000, addresses: ['10.20.0.21/24'] }] };

describe('routed', () => {
  test('a node’s block follows from its own address alone', () => {
    expect(blockOf('10.244.0.0/16', 24, '10.20.0.11')).toBe('10.244.11.0/24');
    expect(blockOf('10.244.0.0/16', 25, '10.20.1.11')).toBe('10.244.133.128/25');
    expect(blockOf('10.240.0.0/12', 24, '10.20.3.7')).toBe('10.243.7.0/24');
    expect(blockOf('10.244.0.0/25', 24, '10.20.0.11')).toBeUndefined();
    expect(blockOf('10.244.0.0/16', 24, 'node-1.example.org')).toBeUndefined();
  });

  test('no two addresses of a segment that fits share a block', () => {
    const addresses = Array.from({ length: 1024 }, (_, at) => `10.20.${at >> 8}.${at & 255}`);
    const blocks = addresses.map((address) => blockOf('10.248.0.0/14', 24, address));
    expect(new Set(blocks).size).toBe(1024);
  });

  test('nodes keep their blocks when others come and go', () => {
    const { kubernetes, hosts } = marked(routed).inventory;
    const all = podBlocks(kubernetes, hosts).blocks;
    expect(all.size).toBe(hosts.length);
    for (const left of hosts) {
      const rest = podBlocks(
        kubernetes,
        hosts.filter((host) => host !== left),
      ).blocks;
      for (const [name, block] of rest) expect(block).toBe(all.get(name));
    }
  });

  test('what a node gets', async () => {
    const { inventory } = marked(routed);
    const host = inventory.hosts.find(({ name }) => name === 'w-1');
    const steps = networkSteps(inventory, { name: 'w-1', address: host?.address ?? '', facts });
    const text = steps.map(({ kind, name, desired }) => {
      const { content, ...rest } = desired as { content?: string };
      return `## ${kind.kind} ${name}\n${JSON.stringify(rest)}\n${content ?? ''}`;
    });
    await expect(text.join('\n')).toMatchFileSnapshot('golden/routed-node.txt');
  });

  test('a host with a name for an address has no block, and that is said', () => {
    const { inventory } = marked(routed.replace('10.20.0.21', 'w-1.example.org'));
    expect(() =>
      networkSteps(inventory, { name: 'w-1', address: 'w-1.example.org', facts }),
    ).toThrow(/w-1 has no block/);
  });
});
