import { parseInventory } from '@skerry/inventory';
import type { Bundle } from '@skerry/steps';
import { expect, test } from 'vitest';
import { bundledPackages, distributions, packageSets, type KnownHost } from '../src/index.ts';
import { bundledPackage } from './bundled-package.ts';

const inventory = parseInventory(
  `cluster: { name: site }
groups:
  control-plane:
    roles: [control-plane]
    hosts: { "cp-[1:3]": { address: "10.20.0.[11:13]" } }
  workers:
    roles: [worker]
    hosts:
      w-1: { address: 10.20.0.21, node: { packages: [tcpdump] } }
kubernetes:
  version: 1.36.3
  endpoint: { address: 10.20.0.10, via: keepalived }
  network: { cni: routed, proxy: ipvs }
`,
  'site.yaml',
);
const host = (more: Partial<KnownHost> = {}): KnownHost => ({
  family: 'debian',
  distribution: 'debian',
  version: '13',
  architecture: 'x86_64',
  timeDaemon: '',
  ...more,
});

test('hosts that nobody has read are taken for what is assumed', () => {
  const assumed = [{ distribution: 'debian-13', architecture: 'amd64' }];
  const [set, ...others] = packageSets(inventory, new Map(), assumed);
  expect(others).toEqual([]);
  expect(set).toMatchObject(assumed[0] ?? {});
  for (const name of ['containerd', 'conntrack', 'haproxy', 'ipvsadm', 'keepalived', 'tcpdump']) {
    expect(set?.names).toContain(name);
  }
  expect(packageSets(inventory, new Map(), [])).toEqual([]);
});

test('each system has a set of its own, of what its hosts need', () => {
  const known = new Map([
    ['cp-1', host()],
    ['cp-2', host({ timeDaemon: 'chrony' })],
    ['cp-3', host({ distribution: 'rocky', version: '9.6', family: 'redhat' })],
    ['w-1', host({ distribution: 'ubuntu', version: '24.04', architecture: 'aarch64' })],
  ]);
  const sets = packageSets(inventory, known, []);
  expect(sets.map(({ distribution, architecture }) => `${distribution} ${architecture}`)).toEqual([
    'debian-13 amd64',
    'ubuntu-24.04 arm64',
  ]);
  const [debian, ubuntu] = sets;
  expect(debian?.names).toEqual(expect.arrayContaining(['chrony', 'haproxy', 'systemd-timesyncd']));
  expect(debian?.names).not.toContain('tcpdump');
  expect(ubuntu?.names).toContain('tcpdump');
  expect(ubuntu?.names).not.toContain('haproxy');
});

const bundle: Bundle = {
  schema: 1,
  artifacts: [
    bundledPackage('containerd', ['containerd']),
    bundledPackage('libc6', ['containerd', 'haproxy']),
    bundledPackage('haproxy', ['haproxy']),
    bundledPackage('haproxy-arm', ['haproxy'], { architecture: 'arm64' }),
    bundledPackage('haproxy-noble', ['haproxy'], { distribution: 'ubuntu-24.04' }),
  ],
};

test('a step gets the packages of its host that it names, and what they need', () => {
  const names = (facts: KnownHost, ...asked: string[]): unknown =>
    bundledPackages(bundle, facts, asked)?.map(({ name, neededBy }) => [name, ...neededBy]);
  expect(names(host(), 'haproxy')).toEqual([
    ['libc6', 'haproxy'],
    ['haproxy', 'haproxy'],
  ]);
  expect(names(host({ architecture: 'aarch64' }), 'haproxy')).toEqual([['haproxy-arm', 'haproxy']]);
  // Nothing that the bundle has: still nothing from elsewhere.
  expect(names(host(), 'tcpdump')).toEqual([]);
  expect(names(host({ version: '12' }), 'haproxy')).toBeUndefined();
  expect(bundledPackages(undefined, host(), ['haproxy'])).toBeUndefined();
});

test('each distribution of the matrix is there once', () => {
  const names = distributions.map(({ distribution }) => distribution);
  expect(new Set(names).size).toBe(names.length);
});
