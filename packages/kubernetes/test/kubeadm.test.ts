import { readFileSync } from 'node:fs';
import type { Host, Inventory } from '@skerry/inventory';
import { parseInventory } from '@skerry/inventory';
import { describe, expect, test } from 'vitest';
import {
  apiServerPort,
  clusterConfiguration,
  clusterDns,
  controlPlaneEndpoint,
  dnsServiceAddress,
  initConfiguration,
  joinConfiguration,
  joinPlaceholders,
  kubeletConfiguration,
  kubeletSettings,
  kubeProxyConfiguration,
  objectsText,
} from '../src/index.ts';
import { changed, marked, sound } from './marked-inventory.ts';

const path = 'inventory/oslo.yaml';
const text = readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
const oslo = parseInventory(text, path);
const ipvs = marked(
  changed(
    [
      'proxy: nftables',
      'proxy: ipvs\n    ipvs: { scheduler: lc, excludeNetworks: [10.20.0.10/32] }',
    ],
    ['nodeLocal: false', 'nodeLocal: true'],
    ['10.244.0.0/16', '[10.244.0.0/16, fd00:244::/56]'],
    ['10.96.0.0/12', '[10.96.0.0/12, fd00:96::/112]'],
  ),
).inventory;

function host(inventory: Inventory, name: string): Host {
  const found = inventory.hosts.find((candidate) => candidate.name === name);
  if (found === undefined) throw new Error(`there is no ${name}`);
  return found;
}

describe('the configuration of kubeadm', () => {
  test('of the first control plane', async () => {
    const objects = [
      initConfiguration(oslo, host(oslo, 'oslo-cp-1')),
      clusterConfiguration(oslo),
      kubeletConfiguration(oslo),
    ];
    expect(kubeProxyConfiguration(oslo)).toBeUndefined();
    await expect(objectsText(objects)).toMatchFileSnapshot('golden/kubeadm-init.yaml');
  });

  test('of what joins', async () => {
    const objects = ['oslo-cp-2', 'oslo-w-01'].map((name) =>
      joinConfiguration(oslo, host(oslo, name), joinPlaceholders),
    );
    await expect(objectsText(objects)).toMatchFileSnapshot('golden/kubeadm-join.yaml');
  });

  test('with IPVS, dual stack and a DNS cache on every node', async () => {
    const proxy = kubeProxyConfiguration(ipvs);
    const objects = [clusterConfiguration(ipvs), kubeletConfiguration(ipvs), proxy ?? {}];
    await expect(objectsText(objects)).toMatchFileSnapshot('golden/kubeadm-ipvs.yaml');
  });

  test('has of kubelets only what is always set: other settings would outlive the inventory', () => {
    const withSettings = (settings: string): Inventory =>
      marked(
        changed([
          '  dns: { nodeLocal: false }',
          `  dns: { nodeLocal: false }\n  kubeadm: { kubelet: ${settings} }`,
        ]),
      ).inventory;
    const plain = marked(sound).inventory;
    const more = withSettings('{ maxPods: 200, failSwapOn: false }');
    expect(kubeletConfiguration(more)).toEqual(kubeletConfiguration(plain));
    expect(kubeletSettings(plain)).toEqual(kubeletConfiguration(plain));
    expect(kubeletSettings(more)).toEqual({
      ...kubeletConfiguration(plain),
      maxPods: 200,
      failSwapOn: false,
    });
    // kubeadm waits for an answer there; written always, so that the kubelet comes back to it.
    const elsewhere = withSettings('{ healthzPort: 10300 }');
    expect(kubeletConfiguration(elsewhere)).toMatchObject({ healthzPort: 10_300 });
    expect(kubeletSettings(plain)).toMatchObject({
      healthzBindAddress: '127.0.0.1',
      healthzPort: 10_248,
    });
  });

  test.each(['iptables', 'nftables'])(
    'with the sync periods of %s, as far as they are written for the mode that runs',
    (mode) => {
      const other = mode === 'iptables' ? 'nftables' : 'iptables';
      const proxy = (options: string): unknown =>
        kubeProxyConfiguration(
          marked(changed(['proxy: nftables', `proxy: ${mode}\n    ${options}`])).inventory,
        );
      expect(proxy(`${mode}: { syncPeriod: 1m, minSyncPeriod: 5s }`)).toMatchObject({
        mode,
        [mode]: { syncPeriod: '1m', minSyncPeriod: '5s' },
      });
      expect(proxy(`${mode}: { minSyncPeriod: 5s }`)).toHaveProperty(mode, { minSyncPeriod: '5s' });
      for (const unused of [`${mode}: {}`, `${other}: { syncPeriod: 1m }`, 'ipvs: {}']) {
        for (const key of [mode, other, 'ipvs']) expect(proxy(unused)).not.toHaveProperty(key);
      }
    },
  );

  test('leaves room for haproxy on the machines that keepalived moves the address between', () => {
    const port = (endpoint: string): string => {
      const { inventory } = marked(changed(['{ address: 10.20.0.10, via: keepalived }', endpoint]));
      return `${controlPlaneEndpoint(inventory)} ${apiServerPort(inventory.kubernetes)}`;
    };
    expect(port('{ address: 10.20.0.10, via: keepalived }')).toBe('10.20.0.10:6443 6444');
    expect(port('{ address: 10.20.0.10, via: keepalived, port: 8443 }')).toBe(
      '10.20.0.10:8443 6443',
    );
    expect(port('{ address: 10.20.0.10, via: kube-vip }')).toBe('10.20.0.10:6443 6443');
    expect(port('{ address: "fd00::10", via: external }')).toBe('[fd00::10]:6443 6443');
  });

  test('without an endpoint names the only control plane', () => {
    const alone = marked(changed(['  endpoint: { address: 10.20.0.10, via: keepalived }\n', '']));
    expect(controlPlaneEndpoint(alone.inventory)).toBe('10.20.0.11:6443');
  });

  test('lets pods run on control planes only where there is nothing else', () => {
    const only = marked(changed(['[worker]', '[control-plane]'])).inventory;
    const taints = (inventory: Inventory): unknown => {
      const { nodeRegistration } = initConfiguration(inventory, host(inventory, 'cp-1'));
      return (nodeRegistration as { readonly taints?: unknown }).taints;
    };
    expect(taints(only)).toEqual([]);
    expect(taints(marked(sound).inventory)).toBeUndefined();
  });
});

describe('the DNS that pods ask', () => {
  test.each([
    ['10.96.0.0/12', '10.96.0.10'],
    ['192.168.255.240/28', '192.168.255.250'],
    ['fd00:96::/112', 'fd00:96::a'],
  ])('of %s is %s', (services, address) => {
    expect(dnsServiceAddress(services)).toBe(address);
  });

  test.each([
    ['iptables', '10.96.0.10'],
    ['none', '10.96.0.10'],
    ['ipvs', '169.254.20.10'],
    ['nftables', '169.254.20.10'],
  ])('with a cache on every node and %s is %s', (proxy, address) => {
    const { inventory } = marked(
      changed(['proxy: nftables', `proxy: ${proxy}`], ['nodeLocal: false', 'nodeLocal: true']),
    );
    expect(clusterDns(inventory.kubernetes)).toEqual([address]);
    const without = marked(changed(['proxy: nftables', `proxy: ${proxy}`])).inventory;
    expect(clusterDns(without.kubernetes)).toEqual(['10.96.0.10']);
  });
});
