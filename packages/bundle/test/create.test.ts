import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { DiagnosticError } from '@skerry/diagnostics';
import { parseInventory, type Inventory } from '@skerry/inventory';
import { kubeadmImages } from '@skerry/kubernetes';
import { pack } from 'tar-stream';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { freePort } from '../../executor/test/sshd.ts';
import {
  createBundle,
  openBundle,
  verifyBundle,
  writeImageArchive,
  writeLayer,
  type CreateEvent,
  type CreateOptions,
} from '../src/index.ts';
import { canMakePackages, debianArchive } from './debian-archive.ts';
import {
  canServeImages,
  startRegistry,
  startWebServer,
  type Registry,
  type WebServer,
} from './upstream.ts';

const version = '1.36.3';
const dl = `dl/release/v${version}/bin/linux/amd64`;
const cni =
  'github/containernetworking/plugins/releases/download/v1.9.1/cni-plugins-linux-amd64-v1.9.1.tgz';
const metallb = 'raw/metallb/metallb/v0.16.2/config/manifests/metallb-native.yaml';
const workload = (kind: string, name: string): string => `apiVersion: apps/v1
kind: ${kind}
metadata: { name: ${name}, namespace: metallb-system }
spec:
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec: { containers: [{ name: ${name}, image: "quay.io/metallb/${name}:v0.16.2" }] }
`;

let scratch: string;
let out: string;
let web: WebServer;
let registry: Registry;
let inventory: Inventory;

async function tgz(files: Readonly<Record<string, string>>): Promise<Buffer> {
  const archive = pack();
  archive.entry({ name: './', type: 'directory' });
  for (const [name, content] of Object.entries(files)) archive.entry({ name }, content);
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return gzipSync(Buffer.concat(chunks));
}

/** Everything that upstream offers, on loopback. */
beforeAll(async () => {
  if (!canServeImages) return;
  scratch = mkdtempSync(join(tmpdir(), 'skerry-create-'));
  web = await startWebServer(join(scratch, 'upstream'));
  registry = await startRegistry(scratch, await freePort());
  for (const name of ['kubeadm', 'kubectl', 'kubelet']) {
    web.put(`${dl}/${name}`, `${name} ${'.'.repeat(100_000)}`, { checksum: '.sha256' });
  }
  const plugins = await tgz({ './bridge': 'bridge', './loopback': 'lo', './LICENSE': 'text' });
  web.put(cni, plugins, { checksum: '.sha256' });
  const programs = [workload('Deployment', 'controller'), workload('DaemonSet', 'speaker')];
  web.put(metallb, programs.join('---\n'));
  const layer = join(scratch, 'layer');
  await writeLayer(layer, [{ path: '/program', mode: 0o755, text: 'x'.repeat(50_000) }]);
  const archive = join(scratch, 'image.tar');
  const about = { reference: 'example.no/x:1', architecture: 'amd64', entrypoint: ['/program'] };
  await writeImageArchive(archive, about, [layer]);
  const paths = [
    ...(kubeadmImages(version) ?? []).map((image) => image.replace('registry.k8s.io', 'k8s')),
    'quay/metallb/controller:v0.16.2',
    'quay/metallb/speaker:v0.16.2',
  ];
  const copy = (path: string) =>
    promisify(execFile)('skopeo', [
      'copy',
      '--quiet',
      '--dest-tls-verify=false',
      `oci-archive:${archive}`,
      `docker://${registry.name}/${path}`,
    ]);
  await Promise.all(paths.map((path) => copy(path)));
  inventory = parseInventory(
    `cluster: { name: made }
groups: { nodes: { roles: [control-plane], hosts: { a: { address: 10.0.0.1 } } } }
kubernetes:
  version: ${version}
  network: { cni: routed }
  loadBalancer:
    metallb: { pools: [{ name: edge, addresses: [10.0.9.0/28] }] }
  origins:
    https://deb.debian.org: ${web.url}
    https://dl.k8s.io: ${web.url}/dl
    https://github.com: ${web.url}/github
    https://raw.githubusercontent.com: ${web.url}/raw
    registry.k8s.io: http://${registry.name}/k8s
    quay.io: http://${registry.name}/quay
`,
    'made.yaml',
  );
});
afterAll(async () => {
  if (!canServeImages) return;
  await registry.stop();
  await web.stop();
  rmSync(scratch, { recursive: true });
});
beforeEach(() => {
  if (canServeImages) out = mkdtempSync(join(scratch, 'out-'));
});

const events: CreateEvent[] = [];
const create = (more: Partial<CreateOptions> = {}) => {
  events.length = 0;
  web.asked.length = 0;
  return createBundle(inventory, {
    folder: out,
    architectures: ['amd64'],
    toolArchitecture: 'amd64',
    retries: 0,
    pause: 1,
    onEvent: (event) => events.push(event),
    ...more,
  });
};
const by = (result: CreateEvent['result']): string[] =>
  events.filter((event) => event.result === result).map(({ artifact }) => artifact);

describe.runIf(canServeImages)('bundle create (needs docker-registry and skopeo)', () => {
  test('fetches all that the inventory needs; again, nothing; then only what is missing', async () => {
    const { index, fetched } = await create();
    expect(
      index.artifacts.map(({ kind, name, version: of }) => `${kind} ${name} ${of}`).toSorted(),
    ).toEqual([
      'file cni-bridge 1.9.1',
      'file cni-loopback 1.9.1',
      'file kubeadm 1.36.3',
      'file kubectl 1.36.3',
      'file kubelet 1.36.3',
      'image controller v0.16.2',
      'image coredns v1.14.2',
      'image etcd 3.6.8-0',
      'image kube-apiserver v1.36.3',
      'image kube-controller-manager v1.36.3',
      'image kube-proxy v1.36.3',
      'image kube-scheduler v1.36.3',
      'image pause 3.10.2',
      'image speaker v0.16.2',
      'manifest metallb 0.16.2',
    ]);
    expect(fetched).toBe(15);
    const bridge = index.artifacts.find(({ name }) => name === 'cni-bridge');
    expect(bridge).toMatchObject({
      install: '/opt/cni/bin/bridge',
      mode: '0755',
      architecture: 'amd64',
      origin: expect.stringMatching(/^https:\/\/github\.com\/containernetworking/) as string,
    });
    const etcd = index.artifacts.find(({ name }) => name === 'etcd');
    expect(etcd).toMatchObject({
      reference: 'registry.k8s.io/etcd:3.6.8-0',
      origin: expect.stringMatching(
        /^registry\.k8s\.io\/etcd:3\.6\.8-0@sha256:[0-9a-f]{64}$/,
      ) as string,
    });
    expect((await verifyBundle(out)).findings).toEqual([]);
    expect((await openBundle(out)).index).toEqual(index);

    const again = await create();
    expect(again).toEqual({ index, fetched: 0 });
    expect(web.asked).toEqual([]);

    rmSync(join(out, etcd?.path ?? ''));
    writeFileSync(join(out, bridge?.path ?? ''), 'changed');
    const mended = await create();
    expect(mended.index).toEqual(index);
    expect(by('fetched')).toEqual(['files cni 1.9.1', 'image registry.k8s.io/etcd:3.6.8-0']);
    expect((await verifyBundle(out)).findings).toEqual([]);
  });

  test('tells all that could not be had, keeps the rest, and is no bundle until then', async () => {
    web.fail(`${dl}/kubelet`, { after: 1000 });
    web.fail(metallb, { status: 404 });
    const digest = join(scratch, 'upstream', `${dl}/kubectl.sha256`);
    const right = readFileSync(digest);
    writeFileSync(digest, 'f'.repeat(64));
    const error: unknown = await create().catch((thrown: unknown) => thrown);
    writeFileSync(digest, right);
    expect(error).toBeInstanceOf(DiagnosticError);
    const { diagnostics } = error as DiagnosticError;
    const told = diagnostics.map(({ what, why }) => `${what}: ${why}`).toSorted();
    expect(told).toHaveLength(3);
    expect(told[0]).toMatch(
      /^file kubectl 1\.36\.3 .* what came has the digest .* f{64} is published$/,
    );
    expect(told[1]).toMatch(
      /^file kubelet 1\.36\.3 could not be fetched from http:\/\/127\.0\.0\.1/,
    );
    expect(told[2]).toMatch(/^manifest metallb .*: the server answered 404 Not Found$/);
    for (const { fix } of diagnostics) expect(fix).toContain('origins');
    expect(existsSync(join(out, 'bundle.json'))).toBe(false);
    expect(readdirSync(join(out, 'files/amd64')).toSorted()).toEqual([
      'cni',
      'kubeadm',
      'kubelet.partial',
    ]);

    await create();
    expect(by('kept').toSorted()).toEqual(['file kubeadm 1.36.3', 'files cni 1.9.1']);
    expect((await verifyBundle(out)).findings).toEqual([]);
  });

  test.runIf(canMakePackages)(
    'packages of the distribution come with what they need, and are kept',
    async () => {
      const archive = debianArchive(web, [
        ['fio', '3.39-1', 'libc6'],
        ['keepalived', '1:2.3.3-1', 'libc6'],
        ['libc6', '2.41-12'],
      ]);
      const set = (...names: string[]) => ({
        packages: [{ distribution: 'debian-13', architecture: 'amd64', names }],
        distributions: [archive],
      });
      const { index } = await create(set('fio'));
      const bundled = (of: typeof index) =>
        of.artifacts.flatMap((one) =>
          one.kind === 'package' ? [`${one.path} for ${one.neededBy.join(', ')}`] : [],
        );
      expect(bundled(index)).toEqual([
        'packages/debian-13/amd64/fio_3.39-1.deb for fio',
        'packages/debian-13/amd64/libc6_2.41-12.deb for fio',
      ]);
      expect((await verifyBundle(out)).findings).toEqual([]);
      expect((await create(set('fio'))).fetched).toBe(0);
      expect(web.asked).toEqual([]);

      rmSync(join(out, 'packages/debian-13/amd64/fio_3.39-1.deb'));
      const more = await create(set('fio', 'keepalived'));
      expect(by('fetched').toSorted()).toEqual([
        'package fio 3.39-1',
        'package keepalived 1:2.3.3-1',
        'packages of debian-13 for amd64',
      ]);
      expect(bundled(more.index)).toEqual([
        'packages/debian-13/amd64/fio_3.39-1.deb for fio',
        'packages/debian-13/amd64/keepalived_1%3a2.3.3-1.deb for keepalived',
        'packages/debian-13/amd64/libc6_2.41-12.deb for fio, keepalived',
      ]);

      const error: unknown = await create(set('fio', 'kepalived')).catch(
        (thrown: unknown) => thrown,
      );
      expect((error as DiagnosticError).diagnostics).toMatchObject([
        {
          what: `packages of debian-13 for amd64 could not be fetched from ${web.url}/debian`,
          why: 'Unable to locate package kepalived',
        },
      ]);
    },
  );

  test('packages of a distribution that nobody knows are left out, and told', async () => {
    const packages = [{ distribution: 'plan-9', architecture: 'amd64', names: ['fio'] }];
    await create({ packages });
    expect(events.filter(({ result }) => result === 'left-out')).toMatchObject([
      {
        artifact: 'packages of plan-9 for amd64',
        why: 'nobody knows where plan-9 has its packages; nodes take them from their own repositories',
      },
    ]);
  });

  describe('of a version whose images nobody has read', () => {
    const patch = '1.36.99';
    const unread = () => ({
      ...inventory,
      kubernetes: { ...inventory.kubernetes, version: patch },
    });
    const options = () => ({
      folder: out,
      architectures: ['amd64'],
      toolArchitecture: 'amd64',
      retries: 0,
      pause: 1,
    });
    const offer = (kubeadm: string): void => {
      for (const name of ['kubeadm', 'kubectl', 'kubelet']) {
        const text = name === 'kubeadm' ? kubeadm : name;
        web.put(`dl/release/v${patch}/bin/linux/amd64/${name}`, text, { checksum: '.sha256' });
      }
    };

    test('kubeadm itself is asked for them', async () => {
      // Stands for `kubeadm config images list --kubernetes-version v1.36.99`.
      offer(`#!/bin/sh
[ "$*" = 'config images list --kubernetes-version v${patch}' ] || exit 1
echo registry.k8s.io/kube-proxy:v${version}
echo registry.k8s.io/etcd:3.6.8-0
`);
      const { index } = await createBundle(unread(), options());
      const images = index.artifacts.filter(({ kind }) => kind === 'image');
      expect(images.map((image) => `${image.name} ${image.version}`).toSorted()).toEqual([
        'controller v0.16.2',
        'etcd 3.6.8-0',
        'kube-proxy v1.36.3',
        'pause 3.10.2',
        'speaker v0.16.2',
      ]);
    });

    test('there is no bundle where kubeadm cannot be run', async () => {
      offer('#!/bin/sh\nexit 3\n');
      const error: unknown = await createBundle(unread(), options()).catch(
        (thrown: unknown) => thrown,
      );
      expect((error as DiagnosticError).diagnostics).toMatchObject([
        {
          code: 'images-unknown',
          what: `which images belong to Kubernetes ${patch} could not be found out`,
          why: expect.stringContaining('kubeadm config images list') as string,
        },
      ]);
      expect(existsSync(join(out, 'bundle.json'))).toBe(false);
    });
  });

  test('an image that the registry does not have is named', async () => {
    const missing = {
      ...inventory,
      hosts: inventory.hosts.map((host) => ({
        ...host,
        node: {
          ...host.node,
          containerd: { ...host.node.containerd, pauseImage: 'registry.k8s.io/pause:9.9' },
        },
      })),
    };
    const options = {
      folder: out,
      architectures: ['amd64'],
      toolArchitecture: 'amd64',
      retries: 0,
      pause: 1,
    };
    const error: unknown = await createBundle(missing, options).catch((thrown: unknown) => thrown);
    expect((error as DiagnosticError).diagnostics).toMatchObject([
      {
        code: 'not-fetched',
        what: `image registry.k8s.io/pause:9.9 could not be fetched from http://${registry.name}/k8s/pause:9.9`,
        why: expect.stringMatching(/manifest unknown/) as string,
      },
    ]);
  });
});

test('without a version of Kubernetes there is nothing to bundle', async () => {
  const bare = parseInventory(
    'cluster: { name: bare }\ngroups: { nodes: { hosts: { a: { address: 10.0.0.1 } } } }\n',
    'bare.yaml',
  );
  const options = { folder: '/nonexistent', architectures: ['amd64'], toolArchitecture: 'amd64' };
  await expect(createBundle(bare, options)).rejects.toThrow(/names no version of Kubernetes/);
});
