import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DiagnosticError } from '@skerry/diagnostics';
import { parseInventory, type Inventory } from '@skerry/inventory';
import { kubeadmImages } from '@skerry/kubernetes';
import type { Bundle } from '@skerry/steps';
import { describe, expect, it } from 'vitest';
import type { ExpandedPlay } from '../../runbook/src/expand.ts';
import { root } from './command.ts';
import { desiredOf, expanded, kubernetes } from './kubernetes-plays.ts';

const oslo = readFileSync(join(root, 'inventory/oslo.yaml'), 'utf8');

/** oslo with some of its text replaced. */
function inventoryWith(...changes: readonly (readonly [string, string])[]): Inventory {
  // What the bundle's add-ons need is none of this runbook's business.
  const plain = [['dns: { nodeLocal: true }', 'dns: {}'], ...changes] as const;
  const text = plain.reduce<string>((before, [from = '', to = '']) => {
    expect(before).toContain(from);
    return before.replace(from, () => to);
  }, oslo);
  return parseInventory(text, 'oslo.yaml');
}

const running = kubernetes({
  kubelet: '1.36.3',
  role: 'control-plane',
  ca: 'c'.repeat(64),
  server: 'https://10.20.0.10:6443',
});

/** Plays with the ids of their steps, those without a step left out. */
function outline(plays: readonly ExpandedPlay[]): Record<string, string[]> {
  return Object.fromEntries(
    plays
      .filter(({ steps }) => steps.length > 0)
      .map(({ play, steps }) => [play, steps.map(({ id }) => id)]),
  );
}

/** What the network of pods asks of a node stands among the programs. */
const isNoNetwork = (id: string): boolean => !/cilium|cni|networkd?\b/.test(id);

const programs = [
  'packageRepository kubernetes',
  'package kubernetes',
  'directory /etc/kubernetes',
  'directory /etc/kubernetes/kubelet.conf.d',
  'file /etc/kubernetes/kubelet.conf.d/50-skerry.conf',
  'patches',
  'service kubelet',
];

describe('the runbook kubernetes', () => {
  it('gives each role its plays, in order', () => {
    const inventory = inventoryWith();
    const first = outline(expanded(inventory, 'oslo-cp-1'));
    expect(Object.keys(first)).toEqual([
      'Kubernetes programs',
      'Endpoint',
      'First control plane',
      'Cluster objects',
      'Leftovers',
    ]);
    expect(first['Kubernetes programs']?.filter(isNoNetwork)).toEqual(programs);
    expect(Object.keys(outline(expanded(inventory, 'oslo-cp-2')))).toEqual([
      'Kubernetes programs',
      'Endpoint',
      'Further control planes',
      'Leftovers',
    ]);
    expect(Object.keys(outline(expanded(inventory, 'oslo-w-01')))).toEqual([
      'Kubernetes programs',
      'Workers',
      'Leftovers',
    ]);
  });

  it('asks for nothing where the inventory names no version', () => {
    const inventory = inventoryWith(['  version: 1.36.3\n', '']);
    expect(outline(expanded(inventory, 'oslo-cp-1'))).toEqual({});
  });

  it('begins the cluster on the first control plane, unless another one runs it', () => {
    const inventory = inventoryWith();
    expect(desiredOf(expanded(inventory, 'oslo-cp-1'), 'membership')).toMatchObject({
      action: 'init',
      makers: [],
      unknown: [],
    });
    const facts = { 'oslo-cp-3': running };
    expect(desiredOf(expanded(inventory, 'oslo-cp-1', { facts }), 'membership')).toMatchObject({
      action: 'join',
      ca: 'c'.repeat(64),
      makers: ['oslo-cp-3', 'oslo-cp-2'],
    });
    expect(desiredOf(expanded(inventory, 'oslo-w-01', { facts }), 'membership')).toMatchObject({
      action: 'join',
      role: 'worker',
      noCluster: false,
      makers: ['oslo-cp-3', 'oslo-cp-1', 'oslo-cp-2'],
    });
    expect(desiredOf(expanded(inventory, 'oslo-w-01'), 'membership')).toMatchObject({
      noCluster: true,
    });
  });

  it('gives kubelets the settings of the inventory, and kubeadm the patches and no others', () => {
    const kubeadm =
      '  kubeadm: { kubelet: { maxPods: 200 }, patches: { kube-apiserver: { metadata: {} } } }\n';
    const inventory = inventoryWith(['  version: 1.36.3\n', `  version: 1.36.3\n${kubeadm}`]);
    for (const name of ['oslo-cp-1', 'oslo-w-01']) {
      const plays = expanded(inventory, name);
      const ids = outline(plays)['Kubernetes programs'] ?? [];
      const file = 'file /etc/kubernetes/patches/kube-apiserver.json';
      expect(ids.indexOf(file)).toBeGreaterThan(ids.indexOf('directory /etc/kubernetes/patches'));
      expect(ids.indexOf('patches')).toBeGreaterThan(ids.indexOf(file));
      expect(desiredOf(plays, 'patches')).toMatchObject({ kept: ['kube-apiserver.json'] });
      expect(desiredOf(plays, 'file /etc/kubernetes/kubelet.conf.d/50-skerry.conf')).toMatchObject({
        content: expect.stringContaining('\nmaxPods: 200\n') as string,
      });
    }
    const { configuration } = desiredOf(expanded(inventory, 'oslo-cp-1'), 'membership') as {
      configuration: string;
    };
    expect(configuration).toContain(
      '    - name: config-dir\n      value: /etc/kubernetes/kubelet.conf.d\n',
    );
    expect(configuration).not.toContain('maxPods');
    expect(desiredOf(expanded(inventoryWith(), 'oslo-cp-1'), 'patches')).toMatchObject({
      kept: [],
    });
  });

  it('takes programs and images from a bundle where there is one', () => {
    const common = { version: '1.36.3', sha256: 'a'.repeat(64), size: 1, origin: 'test' };
    const image = (reference: string, architecture: string) => ({
      ...common,
      kind: 'image' as const,
      name: reference.replace(/:.*/, '').replace(/.*\//, ''),
      path: `${reference.replaceAll(/\W/g, '-')}-${architecture}.tar`,
      architecture,
      reference,
      digest: `sha256:${'b'.repeat(64)}`,
    });
    const ofKubeadm = kubeadmImages('1.36.3') ?? [];
    const bundle: Bundle = {
      schema: 1,
      artifacts: [
        ...['kubeadm', 'kubectl', 'kubelet'].map((name) => ({
          ...common,
          kind: 'file' as const,
          name,
          path: name,
          install: `/usr/local/bin/${name}`,
          mode: '0755',
        })),
        ...ofKubeadm.map((reference) => image(reference, 'amd64')),
        image('registry.k8s.io/kube-proxy:v1.36.3', 'arm64'),
      ],
    };
    const worker = expanded(inventoryWith(), 'oslo-w-01', { bundle });
    expect(outline(worker)['Kubernetes programs']?.filter(isNoNetwork)).toEqual([
      'artifact kubernetes',
      'file /etc/systemd/system/kubelet.service',
      'directory /etc/systemd/system/kubelet.service.d',
      'file /etc/systemd/system/kubelet.service.d/10-kubeadm.conf',
      ...programs.slice(2),
    ]);
    expect(desiredOf(worker, 'file /etc/systemd/system/kubelet.service')).toMatchObject({
      content: expect.stringContaining('ExecStart=/usr/local/bin/kubelet\n') as string,
    });
    const references = (name: string): string[] => {
      const plays = expanded(inventoryWith(), name, { bundle });
      const { images } = desiredOf(plays, 'images kubernetes') as {
        images: { reference: string }[];
      };
      return images.map(({ reference }) => reference);
    };
    expect(references('oslo-w-01')).toEqual([
      'registry.k8s.io/kube-proxy:v1.36.3',
      'registry.k8s.io/coredns/coredns:v1.14.2',
      'registry.k8s.io/pause:3.10.2',
    ]);
    expect(references('oslo-cp-2')).toEqual(ofKubeadm);

    const without = (part: string): Bundle => ({
      ...bundle,
      artifacts: bundle.artifacts.filter(({ path }) => !path.includes(part)),
    });
    const refused = (name: string, given: Bundle): string[] => {
      try {
        expanded(inventoryWith(), name, { bundle: given });
      } catch (error) {
        if (error instanceof DiagnosticError) return error.diagnostics.map(({ what }) => what);
        throw error;
      }
      return [];
    };
    // Only who cannot do without it; here Cilium carries Services, and nobody needs kube-proxy.
    expect(refused('oslo-cp-2', without('etcd'))).toEqual([
      'the bundle has no image registry.k8s.io/etcd:3.6.8-0 for x86_64',
    ]);
    expect(refused('oslo-w-01', without('etcd'))).toEqual([]);
    expect(refused('oslo-w-01', without('-amd64'))).toEqual([
      'the bundle has no image registry.k8s.io/pause:3.10.2 for x86_64',
    ]);
  });

  it('refuses a bundle of another version', () => {
    const bundle: Bundle = {
      schema: 1,
      artifacts: ['kubeadm', 'kubelet'].map((name) => ({
        kind: 'file',
        name,
        version: name === 'kubeadm' ? '1.36.3' : '1.35.4',
        path: name,
        sha256: 'a'.repeat(64),
        size: 1,
        origin: 'test',
        install: `/usr/bin/${name}`,
        mode: '0755',
      })),
    };
    expect(() => expanded(inventoryWith(), 'oslo-w-01', { bundle })).toThrow(
      'the bundle has no kubectl, kubelet 1.35.4, and the inventory asks for Kubernetes 1.36.3',
    );
  });

  it('writes what keepalived and haproxy read as the golden files say', async () => {
    const plays = expanded(inventoryWith(), 'oslo-cp-2');
    for (const [step, golden] of [
      ['template /etc/haproxy/haproxy.cfg', 'haproxy.cfg'],
      ['template /etc/keepalived/keepalived.conf', 'keepalived.conf'],
      ['template /etc/keepalived/check-api.sh', 'check-api.sh'],
    ] as const) {
      const { content } = desiredOf(plays, step) as { content: string };
      await expect(content).toMatchFileSnapshot(`golden/kubernetes/${golden}`);
    }
  });

  it('lets slow machines take their time before another one takes over', () => {
    const slow = 'via: keepalived, health: { interval: 10s, timeout: 20s }';
    const plays = expanded(inventoryWith(['via: keepalived', slow]), 'oslo-cp-2');
    const content = (step: string): string =>
      (desiredOf(plays, step) as { content: string }).content;
    const haproxy = content('template /etc/haproxy/haproxy.cfg');
    expect(haproxy).toContain('default-server inter 10s fall 2');
    expect(haproxy).toContain('timeout check 20s');
    expect(haproxy).toContain('timeout connect 20s');
    const keepalived = content('template /etc/keepalived/keepalived.conf');
    expect(keepalived).toContain('  interval 10\n  timeout 10\n');
    expect(keepalived).toContain('advert_int 4');
  });

  it('has kube-vip up before the API, with the credentials that count then', async () => {
    const inventory = inventoryWith(['via: keepalived', 'via: kube-vip']);
    const first = expanded(inventory, 'oslo-cp-1');
    const ids = outline(first)['First control plane'];
    expect(ids).toEqual([
      'command kube-vip before the API',
      'membership',
      'file /etc/kubernetes/manifests/kube-vip.yaml',
      'controlPlane',
    ]);
    const { args } = desiredOf(first, 'command kube-vip before the API') as { args: string[] };
    expect(args[1]).toContain('path: /etc/kubernetes/super-admin.conf');
    const id = 'file /etc/kubernetes/manifests/kube-vip.yaml';
    const { content } = desiredOf(first, id) as { content: string };
    await expect(content).toMatchFileSnapshot('golden/kubernetes/kube-vip.yaml');
    const facts = { 'oslo-cp-1': running };
    expect(outline(expanded(inventory, 'oslo-cp-1', { facts }))['First control plane']).toEqual(
      ids?.slice(1),
    );
    expect(outline(expanded(inventory, 'oslo-cp-2'))['Further control planes']).toEqual(
      ids?.slice(1),
    );
  });

  it('names the interface that nobody knows', () => {
    const inventory = inventoryWith(['keepalived, interface: bond0.20', 'keepalived']);
    expect(() => expanded(inventory, 'oslo-cp-1')).toThrow('nobody knows which interface');
  });
});
