import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { calicoBgp, calicoInstallation } from '../src/networks/calico-objects.ts';
import { networkGroups } from '../src/networks/network-groups.ts';
import type { ObjectGroup } from '../src/objects/desired-objects.ts';
import { metallbObjects, objectsText } from '../src/index.ts';
import { envoyGatewayManifest, standardGatewayApi } from './gateway-manifests.ts';
import { changed, marked } from './marked-inventory.ts';
import { objectFaults } from './real-schemas.ts';
import { upstreamModule } from './upstream-modules.ts';

const kubernetes = upstreamModule('k8s.io/kubernetes', 'v1.36.3');
const flannel = upstreamModule('github.com/flannel-io/flannel', 'v0.28.9');
const operator = upstreamModule('github.com/tigera/operator', 'v1.42.4');
const metallb = upstreamModule('go.universe.tf/metallb', 'v0.16.2');

const allowed = [
  ['default: deny', 'default: allow'],
  ['allow: [dns]', 'allow: []'],
] as const;

function groupsOf(text: string, manifests: Readonly<Record<string, string>>): ObjectGroup[] {
  const { inventory } = marked(text);
  return networkGroups(
    inventory,
    {
      manifest: (name) => {
        const manifest = manifests[name];
        if (manifest === undefined) throw new Error(`nobody has the manifest ${name}`);
        return manifest;
      },
      chart: () => '',
    },
    60,
  );
}

/** Of the objects that settings went into. */
function textOf(groups: readonly ObjectGroup[], ...kinds: readonly string[]): string {
  const objects = groups.flatMap((group) => group.objects.map(({ object }) => object));
  return objectsText(objects.filter(({ kind }) => kinds.includes(kind)));
}

describe.skipIf(flannel === undefined)('Flannel, from its own manifest', () => {
  const manifest = (): string =>
    readFileSync(join(flannel ?? '', 'Documentation/kube-flannel.yml'), 'utf8');
  const networkOf = (text: string): unknown => {
    const [group] = groupsOf(text, { flannel: manifest() });
    const found = group?.objects.find(({ object }) => object.kind === 'ConfigMap')?.object;
    const data = found?.['data'] as Record<string, string>;
    return [JSON.parse(data['net-conf.json'] ?? ''), JSON.parse(data['cni-conf.json'] ?? '')];
  };

  test('VXLAN and its MTU, beside nftables', () => {
    const text = changed(['cni: cilium', 'cni: flannel\n    mtu: 8950'], ...allowed);
    expect(networkOf(text)).toMatchObject([
      { Network: '10.244.0.0/16', EnableNFTables: true, Backend: { Type: 'vxlan', MTU: 9000 } },
      { plugins: [{ type: 'flannel', delegate: { hairpinMode: true } }, { type: 'portmap' }] },
    ]);
  });

  test('plain routes, where the bridge is told the MTU', () => {
    const text = changed(
      ['proxy: nftables', 'proxy: ipvs\n    pathMtu: 9000'],
      ['cni: cilium', 'cni: { flannel: { backend: host-gw } }'],
      ...allowed,
    );
    expect(networkOf(text)).toMatchObject([
      { EnableNFTables: false, Backend: { Type: 'host-gw' } },
      { plugins: [{ delegate: { mtu: 9000, isDefaultGateway: true } }, {}] },
    ]);
  });

  test('a changed network rolls its pods out again, an unchanged one does not', () => {
    const digest = (more: string): string | undefined => {
      const text = changed(['cni: cilium', `cni: flannel${more}`], ...allowed);
      return /skerry\.dev\/configuration: (\S+)/.exec(
        textOf(groupsOf(text, { flannel: manifest() }), 'DaemonSet'),
      )?.[1];
    };
    expect(digest('')).toBeDefined();
    expect(digest('')).toBe(digest(''));
    expect(digest('\n    mtu: 1400')).not.toBe(digest(''));
  });

  test('another manifest is told as such', () => {
    const other = manifest().replaceAll('kube-flannel-cfg', 'flannel-settings');
    const text = changed(['cni: cilium', 'cni: flannel'], ...allowed);
    expect(() => groupsOf(text, { flannel: other })).toThrow(/has no ConfigMap kube-flannel-cfg/);
  });
});

describe('Calico', () => {
  const full = changed(
    ['proxy: nftables', 'proxy: none\n    pathMtu: 1500'],
    ['10.244.0.0/16', '[10.244.0.0/16, "fd00:1::/48"]'],
    ['10.96.0.0/12', '[10.96.0.0/12, "fd00:2::/112"]'],
    [
      'cni: cilium',
      'cni: { calico: { encapsulation: ipip-cross-subnet, bgp: true, dataplane: bpf, localAsn: 64513, nodeMesh: false, peers: [{ name: tor-1, address: 10.20.0.1, asn: 64500 }] } }',
    ],
  );
  const objectsOf = (text: string): readonly object[] => {
    const { inventory } = marked(text);
    const { cni } = inventory.kubernetes.network;
    if (cni?.name !== 'calico') throw new Error('not Calico');
    return [...calicoInstallation(inventory, cni), ...calicoBgp(cni)];
  };

  test('what the operator is asked for', async () => {
    const plain = changed(['cni: cilium', 'cni: calico']);
    const text = [full, plain].map((one) => objectsText(objectsOf(one) as never)).join('---\n');
    await expect(text).toMatchFileSnapshot('golden/calico.yaml');
  });

  test.skipIf(operator === undefined)('its definitions know every field', () => {
    const files = globSync(
      `${operator}/pkg/imports/crds/{operator,calico/v3.projectcalico.org}/*.yaml`,
    );
    const definitions = files.map((file) => readFileSync(file, 'utf8'));
    const objects = objectsOf(full).filter((one) => (one as { kind: string }).kind !== 'ConfigMap');
    expect(objects.length).toBe(4);
    expect(objectFaults(definitions, objects)).toEqual([]);
  });

  test('first its operator, then what it makes, then BGP', () => {
    const manifests = { 'calico-crds': '', calico: '' };
    expect(groupsOf(full, manifests).map(({ name, waits }) => [name, waits.length])).toEqual([
      ["Calico's operator", 0],
      ['Calico', 2],
      ["Calico's BGP", 0],
    ]);
  });
});

describe.skipIf(kubernetes === undefined)(
  'NodeLocal DNSCache, from Kubernetes’ own manifest',
  () => {
    const manifest = (): string =>
      readFileSync(
        join(kubernetes ?? '', 'cluster/addons/dns/nodelocaldns/nodelocaldns.yaml'),
        'utf8',
      );
    test.each(['iptables', 'ipvs', 'nftables', 'none'])('with proxy: %s', async (proxy) => {
      const text = changed(
        ['proxy: nftables', `proxy: ${proxy}`],
        ['nodeLocal: false', 'nodeLocal: true'],
      );
      const groups = groupsOf(text, { 'node-local-dns': manifest() });
      const shown = textOf(groups.slice(-1), 'ConfigMap', 'DaemonSet', 'CiliumLocalRedirectPolicy');
      const left = [...shown.matchAll(/__PILLAR__\w+__/g)].map(([word]) => word);
      const own = ['__PILLAR__UPSTREAM__SERVERS__', '__PILLAR__CLUSTER__DNS__'];
      expect(left.filter((word) => !own.includes(word))).toEqual([]);
      // Where pods ask the cache by its own address, it does not find the DNS by itself.
      expect(left.includes('__PILLAR__CLUSTER__DNS__')).toBe(
        proxy === 'iptables' || proxy === 'none',
      );
      await expect(shown).toMatchFileSnapshot(`golden/node-local-dns-${proxy}.yaml`);
    });
  },
);

describe('Envoy Gateway', () => {
  const text = changed([
    '  dns:',
    '  ingress: { controller: envoy-gateway, patches: { "Deployment envoy-gateway": { spec: { replicas: 2 } } } }\n  dns:',
  ]);
  const manifest = envoyGatewayManifest();

  test.skipIf(manifest === undefined || standardGatewayApi() === undefined)(
    'from its own charts',
    async () => {
      const kinds = standardGatewayApi() ?? '';
      const texts = { 'gateway-api': kinds, 'envoy-gateway': manifest ?? '' };
      const groups = groupsOf(text, texts).slice(-2);
      expect(
        groups.map(({ name, waits }) => [name, waits.map(({ resource }) => resource)]),
      ).toEqual([
        ['Envoy Gateway', ['job/eg-gateway-helm-certgen-1-9-0', 'deployment/envoy-gateway']],
        ['the class of Gateways', []],
      ]);
      const changedOnes = textOf(groups, 'Job', 'Deployment', 'GatewayClass');
      await expect(changedOnes).toMatchFileSnapshot('golden/envoy-gateway.yaml');
      const [gatewayClass] = groups[1]?.objects ?? [];
      expect(objectFaults([kinds], [gatewayClass?.object])).toEqual([]);
    },
  );

  test('another manifest is told as such', () => {
    const other = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\n';
    expect(() => groupsOf(text, { 'gateway-api': other, 'envoy-gateway': other })).toThrow(
      /has no Job eg-gateway-helm-certgen/,
    );
  });
});

test('settings of an ingress-nginx that is there', async () => {
  const text = changed([
    '  dns:',
    '  ingress: { controller: ingress-nginx, namespace: edge }\n  dns:',
  ]);
  const groups = groupsOf(text, {});
  const group = groups.at(-1);
  expect(group?.objects.map(({ ownership }) => ownership)).toEqual(['partial']);
  await expect(textOf(groups.slice(-1), 'ConfigMap')).toMatchFileSnapshot(
    'golden/ingress-nginx.yaml',
  );
});

test.skipIf(metallb === undefined)('MetalLB’s definitions know every field', () => {
  const text = changed([
    `      pools:
        - { name: edge, addresses: [10.20.1.0/27], advertise: l2 }
`,
    `      communities: { site: "64512:100" }
      peers:
        - { name: tor, address: 10.20.0.1, asn: 64500, localAsn: 64512, password: env:BGP, multihop: true }
      pools:
        - { name: edge, addresses: [10.20.1.0/27], advertise: l2, interfaces: [eth0], avoidBuggyAddresses: true }
        - { name: far, addresses: [10.20.2.0/27], advertise: bgp, communities: [site], localPreference: 5, aggregation: 28 }
`,
  ]);
  const files = globSync(`${metallb}/config/crd/bases/*.yaml`);
  const objects = metallbObjects(marked(text).inventory.kubernetes);
  expect(objects.length).toBe(6);
  expect(
    objectFaults(
      files.map((file) => readFileSync(file, 'utf8')),
      objects,
    ),
  ).toEqual([]);
});
