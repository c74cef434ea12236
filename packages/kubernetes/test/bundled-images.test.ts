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
  const of = (name: string, images: readonly string[]): string[] => {
    const host = inventory.hosts.find((candidate) => candidate.name === name);
    if (host === undefined) throw new Error(`no host ${name}`);
    const node = { ...host, facts: { architecture: 'x86_64' } };
    return told(() => bundledImages(bundleOf(images), inventory, node));
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
});
