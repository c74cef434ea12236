import { parseInventory } from '@skerry/inventory';
import { describe, expect, test } from 'vitest';
import {
  containerdConfigVersion,
  kernelAtLeast,
  modulesFor,
  namesByAddress,
  nodePackages,
  oldestKernel,
  parametersFor,
  registryHosts,
  twinsOf,
} from '../src/index.ts';

test.each([
  ['6.12.48+deb13-cloud-amd64', 5, 13, true],
  ['5.13.0', 5, 13, true],
  ['5.4.0-200-generic', 5, 13, false],
  ['4.18.0-553.el8_10.x86_64', 4, 19, false],
  ['unknown', 1, 0, false],
])('kernel %s is at least %d.%d: %s', (release, major, minor, expected) => {
  expect(kernelAtLeast(release, major, minor)).toBe(expected);
});

describe('modules', () => {
  test('without IPVS there is no ip_vs', () => {
    expect(modulesFor({ kernel: '6.12.0', proxy: 'nftables' })).toEqual([
      'overlay',
      'br_netfilter',
      'nf_conntrack',
    ]);
  });
  test('IPVS brings its core, its schedulers and the chosen one', () => {
    const modules = modulesFor({ kernel: '6.12.0', proxy: 'ipvs', ipvsScheduler: 'lc' });
    expect(modules.slice(3)).toEqual(['ip_vs', 'ip_vs_rr', 'ip_vs_wrr', 'ip_vs_sh', 'ip_vs_lc']);
  });
  test('an old kernel has conntrack for IPv4 in a module of its own', () => {
    expect(modulesFor({ kernel: '4.18.0', proxy: 'none' })).toContain('nf_conntrack_ipv4');
  });
  test('the inventory may add modules, once each', () => {
    const modules = modulesFor({ kernel: '6.1.0', proxy: 'none', extra: ['overlay', 'dummy'] });
    expect(modules).toEqual(['overlay', 'br_netfilter', 'nf_conntrack', 'dummy']);
  });
});

test('the inventory wins over the tuned values, and may add its own', () => {
  const parameters = parametersFor({ 'net.core.somaxconn': 4096, 'vm.max_map_count': 262_144 });
  expect(parameters['net.core.somaxconn']).toBe(4096);
  expect(parameters['vm.max_map_count']).toBe(262_144);
  expect(parameters['net.ipv4.ip_forward']).toBe(1);
});

test.each([
  ['debian', '12', 2],
  ['debian', '13', 2],
  ['ubuntu', '22.04', 2],
  ['ubuntu', '24.04', 2],
  ['ubuntu', '26.04', 3],
  ['rocky', '9.4', 2],
])('%s %s gets configuration version %d', (distribution, version, expected) => {
  expect(containerdConfigVersion({ distribution, version })).toBe(expected);
});

test('a mirror of docker.io stands before its real server', () => {
  expect(registryHosts({ 'docker.io': ['https://mirror.oslo.example'] })).toEqual([
    {
      path: '/etc/containerd/certs.d/docker.io/hosts.toml',
      server: 'https://registry-1.docker.io',
      mirrors: ['https://mirror.oslo.example'],
    },
  ]);
});

describe('identity', () => {
  const machine = (machineId: string, productUuid: string, mac: string) => ({
    machineId,
    productUuid,
    interfaces: [{ mac }],
  });
  test('machines of their own have no twin; an empty uuid is no uuid', () => {
    const fleet = new Map([
      ['a', machine('1', '', '52:54:00:00:00:01')],
      ['b', machine('2', '', '52:54:00:00:00:02')],
    ]);
    expect(twinsOf('a', fleet)).toEqual([]);
  });
  test.each([
    ['machine-id', machine('1', 'v', '52:54:00:00:00:09')],
    ['product_uuid', machine('9', 'u', '52:54:00:00:00:09')],
    ['MAC', machine('9', 'v', '52:54:00:00:00:01')],
  ])('a host with the same %s is a twin', (_what, other) => {
    const fleet = new Map([
      ['a', machine('1', 'u', '52:54:00:00:00:01')],
      ['b', other],
      ['c', machine('3', 'w', '52:54:00:00:00:03')],
    ]);
    expect(twinsOf('a', fleet).map(({ host }) => host)).toEqual(['b']);
  });

  test('of thousands of clones each has twenty to name, and the fleet is read once for all of them', () => {
    let [gets, walks] = [0, 0];
    class Counted<V> extends Map<string, V> {
      override get(name: string): V | undefined {
        gets += 1;
        return super.get(name);
      }
      override [Symbol.iterator](): MapIterator<[string, V]> {
        walks += 1;
        return super[Symbol.iterator]();
      }
    }
    const clones = new Counted(
      Array.from({ length: 5000 }, (_, index) => [
        `clone-${index}`,
        machine('same', `${index}`, `mac-${index}`),
      ]),
    );
    const found = [...clones.keys()].map((name) => twinsOf(name, clones));
    // Each asks for itself and for those that it names.
    expect({ gets, walks }).toEqual({ gets: 5000 * 21, walks: 1 });
    expect(new Set(found.map((twins) => twins.length))).toEqual(new Set([20]));
    expect(found[3]?.map(({ host }) => host)).not.toContain('clone-3');
  });
});

test.each([
  ['nftables', '5.13'],
  ['none', '5.10'],
  ['ipvs', '5.4'],
] as const)('the oldest kernel for %s is %s', (proxy, expected) => {
  expect(oldestKernel(proxy).minimum).toBe(expected);
});

describe('names for /etc/hosts', () => {
  const namesOn = (kubernetes: string): Record<string, object> => {
    const inventory = parseInventory(
      `cluster: { name: c }
groups:
  control: { roles: [control-plane], hosts: { a: { address: 10.0.0.1 }, b: { address: b.example.net } } }
  workers: { roles: [worker], hosts: { c: { address: 'fd00::3' }, d: { address: 10.0.0.4 } } }
${kubernetes}`,
      'c.yaml',
    );
    return Object.fromEntries(
      inventory.hosts.map((host) => [host.name, namesByAddress(inventory, host)]),
    );
  };

  test('are those of all hosts; an address that is a name is left out', () => {
    const { a, d } = namesOn('');
    expect(a).toEqual({ '10.0.0.1': ['a'], 'fd00::3': ['c'], '10.0.0.4': ['d'] });
    expect(d).toBe(a);
  });

  test('of a cluster, those of control planes and its own: who joins changes no other node', () => {
    const { a, b, c, d } = namesOn('kubernetes: { version: 1.36.3 }');
    expect(a).toEqual({ '10.0.0.1': ['a'] });
    expect(b).toBe(a);
    expect(c).toEqual({ '10.0.0.1': ['a'], 'fd00::3': ['c'] });
    expect(d).toEqual({ '10.0.0.1': ['a'], '10.0.0.4': ['d'] });
  });
});

test('packages of a node', () => {
  const common = { proxy: 'ipvs', filesystems: ['xfs', 'xfs'], fio: true, extra: ['jq'] } as const;
  const debian = nodePackages({ ...common, family: 'debian', timeDaemon: '' });
  expect(debian).toEqual(expect.arrayContaining(['conntrack', 'ipvsadm', 'xfsprogs', 'fio', 'jq']));
  expect(debian).toContain('systemd-timesyncd');
  expect(debian.filter((name) => name === 'xfsprogs')).toHaveLength(1);
  const redhat = nodePackages({ ...common, family: 'redhat', timeDaemon: '' });
  expect(redhat).toEqual(expect.arrayContaining(['conntrack-tools', 'chrony']));
  const withChrony = nodePackages({ ...common, family: 'debian', timeDaemon: 'chrony' });
  expect(withChrony).not.toContain('systemd-timesyncd');
});
