import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { describeHost, describeTree, parseInventory } from '../src/index.ts';
import { diagnosticsFrom } from './faults.ts';

const path = 'inventory/oslo.yaml';
const text = readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
const oslo = parseInventory(text, path);

describe('describeTree', () => {
  it('shows groups in groups, each host where it is innermost', () => {
    const { cluster, root, roles } = describeTree(oslo);
    expect(cluster).toBe('oslo');
    expect(roles).toEqual({ 'control-plane': 3, worker: 12, ingress: 2 });
    expect(root).toMatchObject({ name: 'all', total: 15, hosts: [] });
    expect(root.groups.map(({ name, total, hosts }) => [name, total, hosts.length])).toEqual([
      ['control-plane', 3, 3],
      ['workers', 12, 0],
      ['edge', 2, 2],
    ]);
    expect(root.groups[1]?.groups.map(({ name, hosts }) => [name, hosts[0]?.name])).toEqual([
      ['rack-a', 'oslo-w-01'],
      ['rack-b', 'oslo-w-07'],
    ]);
    expect(root.groups[0]?.hosts[0]).toEqual({
      name: 'oslo-cp-1',
      address: '10.20.0.11',
      roles: ['control-plane'],
    });
  });
});

describe('describeHost', () => {
  it('shows each value with the line that it stands on', () => {
    const { values } = describeHost(oslo, 'oslo-cp-3');
    const lines = text.split('\n');
    const found = new Map(values.map((value) => [value.path, value]));
    for (const [name, level, line] of [
      ['address', 'host oslo-cp-3', 'address: 10.20.0.13'],
      ['roles.control-plane', 'group control-plane', 'roles: [control-plane]'],
      ['vars.rack', 'host oslo-cp-3', 'vars: { rack: b }'],
      ['vars.region', 'cluster', 'region: oslo'],
      ['secrets.backupKey', 'cluster', 'backupKey: command:pass show oslo/backup-key'],
      ['node.reboot', 'group control-plane', 'reboot: never'],
      [
        'node.sysctl."net.netfilter.nf_conntrack_max"',
        'cluster',
        'net.netfilter.nf_conntrack_max: 2000000',
      ],
      ['connection.user', 'cluster', 'user: ops'],
    ] as const) {
      expect(found.get(name), name).toMatchObject({ level });
      expect(lines[(found.get(name)?.at?.line ?? 0) - 1]?.trim()).toBe(line);
      expect(found.get(name)?.position).toMatch(/^inventory\/oslo\.yaml:\d+:\d+$/);
    }
    expect(found.get('node.swap')).toMatchObject({
      value: false,
      level: 'default',
      position: undefined,
    });
  });

  it('knows every host by its name only', () => {
    expect(diagnosticsFrom(() => describeHost(oslo, 'oslo-cp1'))).toMatchObject([
      { code: 'unknown-host', fix: 'did you mean "oslo-cp-1"?' },
    ]);
  });
});

describe('the model', () => {
  it('keeps the order of the file, and the members of every group', () => {
    expect(oslo.hosts.map(({ name }) => name).slice(0, 4)).toEqual([
      'oslo-cp-1',
      'oslo-cp-2',
      'oslo-cp-3',
      'oslo-w-01',
    ]);
    expect(oslo.groups.get('all')).toMatchObject({
      children: ['control-plane', 'workers', 'edge'],
      parents: [],
    });
    expect(oslo.groups.get('rack-b')).toMatchObject({ parents: ['workers'], roles: ['worker'] });
    expect(oslo.groups.get('edge')?.hosts).toEqual(['oslo-w-01', 'oslo-w-07']);
    expect(oslo.hosts.find(({ name }) => name === 'oslo-w-07')).toMatchObject({
      address: '10.20.0.27',
      groups: ['all', 'workers', 'edge', 'rack-b'],
      roles: ['worker', 'ingress'],
    });
  });
});
