import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { parseInventory, type Inventory } from '@skerry/inventory';
import { describe, expect, it } from 'vitest';
import {
  bundleContent,
  imagesBesideObjects,
  imagesOf,
  kubeadmImages,
  type ContentItem,
} from '../src/index.ts';

function inventoryWith(kubernetes: string): Inventory {
  return parseInventory(
    `cluster: { name: made }
groups: { nodes: { roles: [control-plane], hosts: { a: { address: 10.0.0.1 } } } }
kubernetes:
  version: 1.36.3
${kubernetes}`,
    'made.yaml',
  );
}

const both = { architectures: ['amd64', 'arm64'], toolArchitecture: 'arm64' };
const names = (items: readonly ContentItem[]): string[] =>
  items.map((item) => `${item.kind} ${item.name} ${item.version}`);

describe('what a bundle holds', () => {
  it('has programs and plugins for each architecture, and what the network needs', () => {
    const content = bundleContent(inventoryWith('  network: { cni: cilium }\n'), both);
    expect(names(content)).toEqual([
      ...Array.from({ length: 2 }, () => [
        'file kubeadm 1.36.3',
        'file kubectl 1.36.3',
        'file kubelet 1.36.3',
        'archive cni 1.9.1',
      ]).flat(),
      'chart cilium 1.19.5',
      'tool helm 4.3.1',
    ]);
    expect(content[4]).toMatchObject({
      architecture: 'arm64',
      install: '/usr/bin/kubeadm',
      download: {
        url: 'https://dl.k8s.io/release/v1.36.3/bin/linux/arm64/kubeadm',
        checksum: 'https://dl.k8s.io/release/v1.36.3/bin/linux/arm64/kubeadm.sha256',
      },
    });
    expect(content.at(-1)).toMatchObject({ member: 'linux-arm64/helm' });
  });

  it.each([
    ['  network: { cni: routed }\n', []],
    ['  network: { cni: { flannel: { version: 0.28.1 } } }\n', ['manifest flannel 0.28.1']],
    ['  network: { cni: calico }\n', ['manifest calico-crds 3.32.2', 'manifest calico 3.32.2']],
    [
      '  ingress: { controller: envoy-gateway }\n',
      ['manifest gateway-api 1.6.1', 'manifest envoy-gateway 1.9.0'],
    ],
    [
      '  loadBalancer: { metallb: { version: 0.16.2, pools: [] } }\n  dns: { nodeLocal: true }\n  ingress: { controller: gateway-api }\n',
      ['manifest metallb 0.16.2', 'manifest node-local-dns 1.36.3', 'manifest gateway-api 1.6.1'],
    ],
  ])('of %j', (kubernetes, addOns) => {
    const content = bundleContent(inventoryWith(kubernetes), {
      architectures: [],
      toolArchitecture: 'amd64',
    });
    expect(names(content)).toEqual(addOns);
    for (const item of content) {
      if (item.kind !== 'chart') expect(item.download.url).toContain(item.version);
    }
  });
});

describe('images', () => {
  const cached = `${process.env['XDG_CACHE_HOME'] ?? `${homedir()}/.cache`}/skerry`;
  const kubeadm = existsSync(cached)
    ? execFileSync('find', [cached, '-name', 'kubeadm', '-type', 'f', '-perm', '-100'], {
        encoding: 'utf8',
      }).split('\n')[0]
    : '';

  it.runIf(kubeadm)('of the control plane are those that kubeadm itself names', () => {
    const words = ['config', 'images', 'list', '--kubernetes-version', 'v1.36.3'];
    const said = execFileSync(kubeadm ?? '', words, { encoding: 'utf8' });
    expect(said.trim().split('\n').toSorted()).toEqual(kubeadmImages('1.36.3')?.toSorted());
  });

  it('of a version that nobody has read are not guessed', () => {
    expect(kubeadmImages('1.36.99')).toBeUndefined();
  });

  it('that stand in no object: the runtime’s, static pods, what an operator starts', () => {
    const images = imagesBesideObjects(
      inventoryWith(
        '  endpoint: { address: 10.0.0.9, via: kube-vip }\n  network: { cni: calico }\n',
      ),
    );
    expect(images.slice(0, 2)).toEqual([
      'registry.k8s.io/pause:3.10.2',
      'ghcr.io/kube-vip/kube-vip:v1.2.3',
    ]);
    expect(images).toContain('quay.io/calico/node:v3.32.2');
    const gateways = imagesBesideObjects(
      inventoryWith('  ingress: { controller: envoy-gateway }\n'),
    );
    expect(gateways).toContain('docker.io/envoyproxy/envoy:distroless-v1.39.0');
  });

  it.each([
    ['3.32.2', 8, 'quay.io/calico/typha:v3.32.2'],
    // One image for nearly all of it: the old names are not published of 3.33.
    ['3.33.1', 3, 'quay.io/calico/calico:v3.33.1'],
  ])('of Calico %s are those that its operator starts', (version, count, one) => {
    const network = `  network: { cni: { calico: { version: ${version} } } }\n`;
    const images = imagesBesideObjects(inventoryWith(network));
    const calico = images.filter((image) => image.startsWith('quay.io/calico/'));
    expect(calico).toHaveLength(count);
    expect(calico).toContain(one);
    expect(calico).toContain(`quay.io/calico/node:v${version}`);
  });

  it('of objects are found wherever containers stand, by their full names', () => {
    const pod = (...images: string[]) => ({
      initContainers: [{ name: 'first', image: images[0] }],
      containers: images.slice(1).map((image) => ({ name: 'x', image })),
    });
    const objects = [
      { kind: 'Pod', spec: pod('busybox', 'ghcr.io/a/b:1', 'skerry.dev/probe:1.0.0') },
      {
        kind: 'CronJob',
        spec: { jobTemplate: { spec: { template: { spec: pod('a/b:2', 'c@sha256:0') } } } },
      },
      { kind: 'ConfigMap', data: { image: 'not/this:1' } },
    ];
    expect(imagesOf(objects)).toEqual([
      'docker.io/library/busybox:latest',
      'ghcr.io/a/b:1',
      'docker.io/a/b:2',
      'docker.io/library/c@sha256:0',
    ]);
  });
});
