import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { describe, expect, test } from 'vitest';
import { testedWithOf } from '../src/matrix/tested-with.ts';
import { ciliumObjects } from '../src/networks/cilium-objects.ts';
import { ciliumValues } from '../src/networks/cilium-values.ts';
import { objectsText } from '../src/index.ts';
import { changed, marked } from './marked-inventory.ts';
import { chartFaults, objectFaults } from './real-schemas.ts';
import { upstreamModule } from './upstream-modules.ts';

const versions = ['1.15.19', '1.16.19', '1.17.0', '1.18.5', '1.19.5', '1.20.1'] as const;

/** Everything that Skerry can say to Cilium at once, but for what needs a newer one. */
function full(version: string, more = ''): string {
  return changed(
    ['proxy: nftables', 'proxy: none\n    pathMtu: 9000'],
    [
      'cni: cilium',
      `cni: { cilium: { version: ${version}, routing: native, loadBalancer: dsr, encryption: wireguard${more} } }`,
    ],
    ['nodeLocal: false', 'nodeLocal: true'],
    ['  dns:', '  ingress: { controller: gateway-api }\n  dns:'],
    [
      `    metallb:
      pools:
        - { name: edge, addresses: [10.20.1.0/27], advertise: l2 }
`,
      `    cilium:
      communities: { site: "64512:100" }
      pools:
        - { name: edge, addresses: [10.20.1.0/27, 10.20.3.1-10.20.3.9], advertise: l2, interfaces: [eth0.100] }
        - { name: far, addresses: [10.20.2.0/27], advertise: bgp, autoAssign: false, communities: [site, "large:64512:1:2"], localPreference: 200 }
      peers:
        - { name: tor-1, address: 10.20.0.1, asn: 64500, localAsn: 64512, password: env:BGP, multihop: true, port: 1179 }
        - { name: tor-2, address: 10.20.0.2, asn: 64500, localAsn: 64512 }
`,
    ],
  );
}

const minimal = (version: string): string =>
  changed([
    'cni: cilium',
    `cni: { cilium: { version: ${version}, routing: vxlan, hubble: false } }`,
  ]);

describe.each(versions)('Cilium %s', (version) => {
  const folder = upstreamModule('github.com/cilium/cilium', `v${version}`);
  const chart = folder && join(folder, 'install/kubernetes/cilium');
  const values = [full(version), minimal(version)].map((text) =>
    ciliumValues(marked(text).inventory),
  );

  test('values', async () => {
    await expect(values.map((one) => stringify(one)).join('---\n')).toMatchFileSnapshot(
      `golden/cilium-${version}.yaml`,
    );
  });

  test.skipIf(chart === undefined || !existsSync(join(chart, 'values.schema.json')))(
    'its chart knows every value',
    () => {
      for (const one of values) expect(chartFaults(chart ?? '', one)).toEqual([]);
      expect(chartFaults(chart ?? '', { ...values[0], routingMod: 'native' })).toEqual([
        expect.stringContaining('routingMod'),
      ]);
    },
  );

  test.skipIf(folder === undefined)('its own page names the Kubernetes it was run with', () => {
    const page = join(folder ?? '', 'Documentation/network/kubernetes/compatibility.rst');
    // | 1.32, 1.33, 1.34, 1.35 | … |
    const row = /^\| (1\.\d+(?:, 1\.\d+)+) +\|/m.exec(readFileSync(page, 'utf8'))?.[1];
    const named = row?.split(', ') ?? [];
    expect(testedWithOf('cilium', version)?.kubernetes).toEqual([named[0], named.at(-1)]);
  });

  test.skipIf(folder === undefined)(
    'its agent takes as much off for WireGuard as it was given',
    () => {
      const source = readFileSync(join(folder ?? '', 'pkg/mtu/mtu.go'), 'utf8');
      const taken = Number(/WireguardOverhead = (\d+)/.exec(source)?.[1]);
      const tunnel = Number(/TunnelOverhead(?:IPv4)? += (\d+)/.exec(source)?.[1]);
      for (const [routing, more] of [
        ['native', 0],
        ['vxlan', tunnel],
      ] as const) {
        const cni = `cni: { cilium: { version: ${version}, routing: ${routing}, encryption: wireguard } }`;
        const text = changed(['cni: cilium', `mtu: 1400\n    ${cni}`]);
        expect(ciliumValues(marked(text).inventory)).toMatchObject({ MTU: 1400 + taken + more });
      }
    },
  );

  test.skipIf(folder === undefined)('its definitions know every object', () => {
    const files = globSync(`${folder}/pkg/k8s/apis/cilium.io/client/crds/*/*.yaml`);
    const definitions = files.map((file) => readFileSync(file, 'utf8'));
    // In 1.15 these kinds of BGP are there, but not finished: a rule refuses them.
    const text =
      version === '1.15.19'
        ? full(version).replace(/\n.*name: far[\s\S]*localAsn.*\n/, '\n')
        : full(version);
    const objects = ciliumObjects(marked(text).inventory)
      .map(({ object }) => object)
      .filter(({ kind }) => kind !== 'Secret');
    expect(objects.length).toBeGreaterThan(1);
    expect(objectFaults(definitions, objects)).toEqual([]);
  });
});

test('pools, peers and how they are told', async () => {
  for (const version of ['1.17.0', '1.19.5']) {
    const objects = ciliumObjects(marked(full(version)).inventory).map(({ object }) => object);
    await expect(objectsText(objects)).toMatchFileSnapshot(`golden/cilium-objects-${version}.yaml`);
  }
});

test('what the inventory gives stands over what follows from it, map by map', () => {
  const text = full(
    '1.19.5',
    ', values: { hubble: { tls: { enabled: false }, ui: { enabled: false } }, bpf: { masquerade: false }, extraArgs: [--x] }',
  );
  expect(ciliumValues(marked(text).inventory)).toMatchObject({
    hubble: {
      enabled: true,
      relay: { enabled: true },
      tls: { enabled: false, auto: { method: 'cronJob' } },
      ui: { enabled: false },
    },
    bpf: { masquerade: false },
    extraArgs: ['--x'],
  });
});

test('beside kube-proxy Cilium leaves Services and masquerading in BPF alone', () => {
  const values = ciliumValues(marked(changed()).inventory);
  expect(values).toMatchObject({ kubeProxyReplacement: 'false', routingMode: 'native' });
  expect(values).not.toHaveProperty('bpf');
  expect(values).not.toHaveProperty('k8sServiceHost');
});

test('its MTU is that of the network below: what pods are to have, and its own headers', () => {
  const of = (more: string, routing: string): unknown => {
    const text = changed(['cni: cilium', `cni: { cilium: { routing: ${routing} } }\n    ${more}`]);
    return ciliumValues(marked(text).inventory)?.['MTU'];
  };
  expect(of('mtu: 1450', 'vxlan')).toBe(1500);
  expect(of('mtu: 1450', 'native')).toBe(1450);
  expect(of('pathMtu: 9000', 'geneve')).toBe(9000);
  expect(of('', 'vxlan')).toBeUndefined();
});
