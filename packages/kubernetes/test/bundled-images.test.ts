import { DiagnosticError } from '@skerry/diagnostics';
import type { Bundle } from '@skerry/steps';
import { describe, expect, test } from 'vitest';
import { bundledImages, clusterObjects, kubeadmImages } from '../src/index.ts';
import { changed, marked } from './marked-inventory.ts';

const flannel = `
apiVersion: v1
kind: Namespace
metadata: { name: kube-flannel }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: kube-flannel-cfg, namespace: kube-flannel }
data: { cni-conf.json: '{}', net-conf.json: '{"Network": "10.244.0.0/16", "Backend": {"Type": "vxlan"}}' }
---
apiVersion: apps/v1
kind: DaemonSet
metadata: { name: kube-flannel-ds, namespace: kube-flannel }
spec:
  template:
    metadata: { labels: { app: flannel } }
    spec:
      initContainers: [{ name: install, image: example.org/cni:1 }, { name: again, image: example.org/cni:1 }]
      containers: [{ name: kube-flannel, image: example.org/flannel }]
`;

const { inventory } = marked(
  changed(
    ['    cni: cilium', '    cni: flannel'],
    ['  policies:\n    default: deny\n    allow: [dns]\n', ''],
    [
      '  loadBalancer:\n    metallb:\n      pools:\n        - { name: edge, addresses: [10.20.1.0/27], advertise: l2 }\n',
      '',
    ],
  ),
);

/** A bundle of images, each as `reference` or as `reference architecture`. */
function bundleOf(images: readonly string[]): Bundle {
  const artifacts = images.map((image) => {
    const [reference = '', architecture = 'amd64'] = image.split(' ');
    const sha256 = '0'.repeat(64);
    const about = { name: reference, version: '1', path: 'images/one.tar', origin: reference };
    return {
      ...about,
      kind: 'image' as const,
      architecture,
      reference,
      sha256,
      size: 1,
      digest: `sha256:${sha256}`,
    };
  });
  return { schema: 1, artifacts };
}

function told(work: () => unknown): string[] {
  try {
    work();
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    return error.diagnostics.map(({ what, why }) => `${what}: ${why}`);
  }
  return [];
}

describe('images that objects name, of a bundle', () => {
  const why =
    'DaemonSet kube-flannel-ds (the manifest flannel) runs it, and where there is a bundle nothing comes from elsewhere';
  const facts = (architecture: string) => ({
    architecture,
    kernel: '6.12.0',
    cgroup: 2 as const,
    virtualization: 'none',
    interfaces: [],
  });

  /** What is told of a bundle by whoever plans the objects of a cluster. */
  function planned(images: readonly string[], nodes: Readonly<Record<string, string>>): string[] {
    const fleet = new Map(Object.entries(nodes).map(([name, machine]) => [name, facts(machine)]));
    const step = clusterObjects({ inventory, fleet, bundle: bundleOf(images) });
    return told(() =>
      step.resolve?.({
        manifest: () => flannel,
        chart: () => '',
        render: () => '',
        source: () => '',
      }),
    );
  }

  test('are all there', () => {
    const images = ['example.org/cni:1', 'example.org/flannel:latest'];
    expect(planned(images, { 'cp-1': 'x86_64', 'w-1': 'x86_64' })).toEqual([]);
  });

  test('are told all at once where they are not, each with what runs it', () => {
    expect(planned(['example.org/cni:2'], { 'cp-1': 'x86_64' })).toEqual([
      `the bundle has no image example.org/cni:1 for x86_64: ${why}`,
      `the bundle has no image example.org/flannel:latest for x86_64: ${why}`,
    ]);
  });

  test('are looked for in each architecture that nodes have', () => {
    const images = [
      'example.org/cni:1',
      'example.org/flannel:latest',
      'example.org/flannel:latest arm64',
    ];
    expect(planned(images, { 'cp-1': 'x86_64', 'w-1': 'aarch64', 'w-2': 'aarch64' })).toEqual([
      `the bundle has no image example.org/cni:1 for aarch64: ${why}`,
    ]);
  });
});

describe('images that a node cannot start without, of a bundle', () => {
  const of = (name: string, images: readonly string[], asked = inventory): string[] => {
    const host = asked.hosts.find((candidate) => candidate.name === name);
    if (host === undefined) throw new Error(`no host ${name}`);
    const node = { ...host, facts: { architecture: 'x86_64' } };
    return told(() => bundledImages(bundleOf(images), asked, node));
  };
  const all = kubeadmImages('1.36.3') ?? [];

  test('are those of its role', () => {
    expect(of('cp-1', all)).toEqual([]);
    const ofWorkers = all.filter((image) => /kube-proxy|pause/.test(image));
    expect(of('w-1', ofWorkers)).toEqual([]);
    expect(of('cp-1', ofWorkers)).toHaveLength(all.length - ofWorkers.length);
    expect(of('w-1', [])).toContain(
      `the bundle has no image ${ofWorkers[0]} for x86_64: where there is a bundle nothing comes from elsewhere, and this node cannot start without it`,
    );
  });

  describe('where nobody has read them of a version', () => {
    const unread = marked(changed(['1.36.3', '1.36.4'])).inventory;
    const why =
      'where there is a bundle nothing comes from elsewhere, and this node cannot start without it';
    const registry = 'registry.k8s.io';
    const kubernetes = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'].map(
      (name) => `${registry}/${name}:v1.36.4`,
    );
    const proxy = `${registry}/kube-proxy:v1.36.4`;
    const pause = `${registry}/pause:3.10.2`;
    const others = [`${registry}/coredns/coredns:v1.14.2`, `${registry}/etcd:3.6.9-1`];
    const whole = [...kubernetes, proxy, pause, ...others];

    test('are Kubernetes’ own at its version, and any etcd and CoreDNS', () => {
      expect(kubeadmImages('1.36.4')).toBeUndefined();
      expect(of('cp-1', whole, unread)).toEqual([]);
      expect(of('w-1', [proxy, pause], unread)).toEqual([]);
      expect(of('cp-1', [pause], unread)).toEqual(
        [
          ...kubernetes,
          proxy,
          `${registry}/coredns/coredns, of any version,`,
          `${registry}/etcd, of any version,`,
        ].map((image) => `the bundle has no image ${image} for x86_64: ${why}`),
      );
      expect(of('w-1', [pause], unread)).toHaveLength(1);
    });

    test('are not those of another version, or of a name that begins the same', () => {
      const older = whole.map((image) => image.replace('v1.36.4', 'v1.36.3'));
      expect(of('cp-1', older, unread)).toHaveLength(4);
      const looksLike = whole.map((image) => image.replace('/etcd:', '/etcd-extra:'));
      expect(of('cp-1', looksLike, unread)).toHaveLength(1);
    });

    test('are without kube-proxy where there is none', () => {
      const none = marked(changed(['1.36.3', '1.36.4'], ['proxy: nftables', 'proxy: none']));
      expect(of('w-1', [pause], none.inventory)).toEqual([]);
    });
  });
});
