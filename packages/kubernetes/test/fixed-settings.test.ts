import type { Inventory } from '@skerry/inventory';
import { describe, expect, test } from 'vitest';
import { membershipKind, membershipOf, type MemberFacts } from '../src/index.ts';
import { changedFixedSettings } from '../src/kubeadm/fixed-settings.ts';
import { changed, marked } from './marked-inventory.ts';

const inventoryWith = (...changes: readonly (readonly [string, string])[]): Inventory =>
  marked(changed(...changes)).inventory;
const site = inventoryWith();
const networks = { pods: '10.244.0.0/16', services: '10.96.0.0/12', domain: 'cluster.local' };
const settingsOf = (inventory: Inventory, running = networks): string[] =>
  changedFixedSettings(inventory, running).map(
    ({ setting, running: now, wanted }) => `${setting}: ${now}, not ${wanted}`,
  );

describe('settings for the whole life of a cluster', () => {
  test('are as the cluster has them, or nothing is known', () => {
    expect(settingsOf(site)).toEqual([]);
    expect(changedFixedSettings(site, undefined)).toEqual([]);
    expect(settingsOf(site, { pods: '', services: '', domain: '' })).toEqual([]);
  });

  test.each([
    ['10.244.0.0/16', '10.0.0.0/16', 'kubernetes.network.pods: 10.244.0.0/16, not 10.0.0.0/16'],
    ['10.96.0.0/12', '10.96.0.0/16', 'kubernetes.network.services: 10.96.0.0/12, not 10.96.0.0/16'],
    [
      'dns: { nodeLocal: false }',
      'dns: { domain: k8s.example.org }',
      'kubernetes.dns.domain: cluster.local, not k8s.example.org',
    ],
  ])('are told where %s became %s', (from, to, told) => {
    expect(settingsOf(inventoryWith([from, to]))).toEqual([told]);
  });

  test('are another address family, too', () => {
    const dual = inventoryWith(
      ['10.244.0.0/16', '[10.244.0.0/16, fd00:244::/56]'],
      ['10.96.0.0/12', '[10.96.0.0/12, fd00:96::/112]'],
    );
    expect(settingsOf(dual)).toEqual([
      'kubernetes.network.pods: 10.244.0.0/16, not 10.244.0.0/16,fd00:244::/56',
      'kubernetes.network.services: 10.96.0.0/12, not 10.96.0.0/12,fd00:96::/112',
    ]);
    const running = {
      ...networks,
      pods: '10.244.0.0/16,fd00:0244:0::/56',
      services: '10.96.0.0/12,FD00:96::/112',
    };
    expect(settingsOf(dual, running)).toEqual([]);
  });

  test('are not judged by a flag that the inventory itself gives', () => {
    const flags = inventoryWith([
      '  dns: { nodeLocal: false }',
      `  kubeadm:
    extraArgs:
      apiServer: { service-account-issuer: "https://tokens.example.org", service-cluster-ip-range: 10.96.0.0/16 }
      controllerManager: { cluster-cidr: 10.0.0.0/8 }`,
    ]);
    const running = { pods: '10.0.0.0/8', services: '10.96.0.0/16', domain: '' };
    expect(settingsOf(flags, running)).toEqual([]);
  });
});

describe('the step that makes a member', () => {
  const facts = (role: 'control-plane' | 'worker', more: object = {}): MemberFacts => ({
    kubernetes: { kubelet: '1.36.3', role, ca: 'a', server: 'https://10.20.0.10:6443', ...more },
  });
  const fleet = new Map([
    ['cp-1', facts('control-plane', { networks })],
    ['w-1', facts('worker')],
  ]);
  const desiredOf = (inventory: Inventory, name: string, known = fleet) => {
    const host = inventory.hosts.find((candidate) => candidate.name === name);
    if (host === undefined) throw new Error(`there is no ${name}`);
    return membershipKind.schema.parse(membershipOf(inventory, host, known).desired);
  };
  const moved = inventoryWith(['10.244.0.0/16', '10.0.0.0/16']);

  test('refuses every node of a cluster with other networks, whoever runs it', () => {
    for (const name of ['cp-1', 'cp-2', 'w-1', 'w-2']) {
      expect(desiredOf(site, name).fixed).toEqual([]);
      const desired = desiredOf(moved, name);
      const changes = membershipKind.diff(desired, { started: false, member: undefined });
      expect(changes).toMatchObject([
        { subject: 'kubernetes.network.pods', action: 'refuse', before: '10.244.0.0/16' },
      ]);
    }
  });

  test('makes a new cluster with whatever networks, also after an attempt that was cut off', () => {
    for (const known of [new Map<string, MemberFacts>(), new Map([['w-1', facts('worker')]])]) {
      const desired = desiredOf(moved, 'cp-1', known);
      const observed = { started: known.size === 0, member: undefined };
      expect(desired.action).toBe('init');
      expect(membershipKind.diff({ ...desired, unknown: [] }, observed)).toMatchObject([
        { action: 'create' },
      ]);
    }
  });
});
