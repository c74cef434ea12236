import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Inventory } from '@skerry/inventory';
import type { Fragment } from '@skerry/steps';
import { afterAll, describe, expect, test } from 'vitest';
import { inMountNamespace, sandbox } from '../../steps/test/harness/sandbox.ts';
import { runFragment } from '../../steps/test/harness/run-fragment.ts';
import { controlPlaneKind, controlPlaneOf } from '../src/index.ts';
import { builtProgram } from './built-programs.ts';
import { changed, marked } from './marked-inventory.ts';

const kubeadm = builtProgram('kubeadm');
const openssl = 'openssl x509 -noout -ext subjectAltName -in';

// The cluster's answer: a static pod whose manifest changed has another hash, and is ready but where
// the test says no.
const kubectl = `#!/bin/sh
for name in etcd kube-apiserver kube-controller-manager kube-scheduler; do
  state=True
  [ -e "/run/skerry-test/broken-$name" ] && grep -q "$(cat "/run/skerry-test/broken-$name")" "/etc/kubernetes/manifests/$name.yaml" && state=False
  printf '%s-cp-1 %s %s\\n' "$name" "$(sha256sum <"/etc/kubernetes/manifests/$name.yaml" | cut -c1-8)" "$state"
done
`;

// CoreDNS is written to an API, and there is none.
const withoutApi = `#!/bin/sh
case "$*" in
  *'addon coredns'*)
    [ ! -e /run/skerry-test/no-api ] || exit 1
    echo "$*" >>/run/skerry-test/coredns; ls /etc/kubernetes/patches >>/run/skerry-test/coredns
    exit ;;
esac
exec ${kubeadm} "$@"
`;

/** What kubeadm has made once, for all tests. */
const kept = mkdtempSync(join(tmpdir(), 'skerry-control-plane-'));
const made = join(kept, 'etc');
afterAll(() => rmSync(kept, { recursive: true }));

interface ControlPlane {
  readonly folder: string;
  run(fragment: Fragment): ReturnType<typeof runFragment>;
  manifest(name: string): string;
}

/** A machine on which the real kubeadm has made a control plane's files as `kubeadm init` does. */
async function onControlPlane(work: (host: ControlPlane) => Promise<void>): Promise<void> {
  await using box = await sandbox();
  const folder = box.path;
  for (const name of ['etc', 'state', 'run', 'test', 'bin']) mkdirSync(join(folder, name));
  for (const [name, text] of Object.entries({ kubectl, kubeadm: withoutApi })) {
    writeFileSync(join(folder, 'bin', name), text, { mode: 0o755 });
  }
  const inside = inMountNamespace(
    `mkdir -p /etc/kubernetes /var/lib/skerry /run/skerry /run/skerry-test
    mount --bind "$1/etc" /etc/kubernetes; mount --bind "$1/state" /var/lib/skerry
    mount --bind "$1/run" /run/skerry; mount --bind "$1/test" /run/skerry-test`,
    folder,
  );
  const PATH = `${join(folder, 'bin')}:${dirname(kubeadm ?? '')}:${process.env['PATH'] ?? ''}`;
  const run = (fragment: Fragment) => runFragment('dash', fragment, { inside, env: { PATH } });
  const { configuration } = desiredOf(before);
  if (existsSync(made)) cpSync(made, join(folder, 'etc'), { recursive: true });
  else {
    const result = await run({
      code: `printf %s "$1" >/run/skerry/c && kubeadm init phase certs all --config /run/skerry/c &&
        kubeadm init phase control-plane all --config /run/skerry/c &&
        kubeadm init phase etcd local --config /run/skerry/c`,
      args: [configuration],
    });
    expect(result.code, result.stderr).toBe(0);
    cpSync(join(folder, 'etc'), made, { recursive: true });
  }
  await work({
    folder,
    run,
    manifest: (name) => readFileSync(join(folder, `etc/manifests/${name}.yaml`), 'utf8'),
  });
}

function desiredOf(inventory: Inventory) {
  const host = inventory.hosts.find(({ name }) => name === 'cp-1');
  if (host === undefined) throw new Error('there is no cp-1');
  return controlPlaneKind.schema.parse(controlPlaneOf(inventory, host).desired);
}

const changesOf = async (host: ControlPlane, inventory: Inventory) => {
  const desired = desiredOf(inventory);
  const observed = controlPlaneKind.parse(await host.run(controlPlaneKind.probe(desired)), desired);
  return controlPlaneKind.diff(desired, observed);
};

const convergeTo = (host: ControlPlane, inventory: Inventory, more: object = {}) =>
  host.run(controlPlaneKind.converge({ ...desiredOf(inventory), ...more }, []));

const before = marked(changed()).inventory;
const settings = (text: string): Inventory =>
  marked(
    changed(['  dns: { nodeLocal: false }', `  dns: { nodeLocal: false }\n  kubeadm: ${text}`]),
  ).inventory;

describe.skipIf(kubeadm === undefined || process.getuid?.() !== 0)(
  'a control plane, by the real kubeadm',
  // It makes keys of RSA, and runs many programs.
  { timeout: 180_000 },
  () => {
    test('that kubeadm has just made stays as it is, and then there is nothing to do', () =>
      onControlPlane(async (host) => {
        const api = host.manifest('kube-apiserver');
        expect(await changesOf(host, before)).toMatchObject([{ action: 'run' }]);
        const result = await convergeTo(host, before);
        expect(result.code, result.stderr).toBe(0);
        expect(host.manifest('kube-apiserver')).toBe(api);
        expect(result.stdout).not.toContain('Waiting');
        expect(await changesOf(host, before)).toEqual([]);
      }));

    test('takes over flags, patches and names, with a diff', () =>
      onControlPlane(async (host) => {
        await convergeTo(host, before);
        const after = settings(
          '{ extraArgs: { apiServer: { v: "4" }, etcd: { heartbeat-interval: "500" } }, certSANs: [api.example.org] }',
        );
        const [change] = await changesOf(host, after);
        expect(change?.diff).toContain('+      - name: heartbeat-interval\n');
        expect(change?.diff?.replaceAll(/^[ -].*\n/gm, '')).toContain('+    - api.example.org');
        const result = await convergeTo(host, after);
        expect(result.code, result.stderr).toBe(0);
        expect(host.manifest('kube-apiserver')).toContain('- --v=4\n');
        expect(host.manifest('etcd')).toContain('- --heartbeat-interval=500\n');
        expect(result.stdout).toContain('Waiting for etcd on cp-1.\n');
        const names = await host.run({
          code: `${openssl} /etc/kubernetes/pki/apiserver.crt`,
          args: [],
        });
        expect(names.stdout).toContain('DNS:api.example.org');
        expect(await changesOf(host, after)).toEqual([]);
      }));

    test('no longer has what a patch did when that is gone, and etcd only follows its own', () =>
      onControlPlane(async (host) => {
        const patches = join(host.folder, 'etc/patches');
        const write = (name: string, patch: object): void =>
          writeFileSync(join(patches, name), JSON.stringify(patch));
        const note = { metadata: { annotations: { by: 'patch' } } };
        mkdirSync(patches);
        const plain = ['kube-apiserver', 'etcd'].map((name) => host.manifest(name));
        await convergeTo(host, before);
        for (const name of ['kube-apiserver.json', 'etcd.json']) write(name, note);
        const text = JSON.stringify(note);
        await convergeTo(host, settings(`{ patches: { kube-apiserver: ${text}, etcd: ${text} } }`));
        expect(host.manifest('kube-apiserver')).toContain('by: patch');
        expect(host.manifest('etcd')).toContain('by: patch');
        rmSync(patches, { recursive: true });
        await convergeTo(host, before);
        expect(['kube-apiserver', 'etcd'].map((name) => host.manifest(name))).toEqual(plain);
        expect(await changesOf(host, before)).toEqual([]);
      }));

    test('has CoreDNS written anew when its patch comes, changes or goes, and only then', () =>
      onControlPlane(async (host) => {
        const patches = join(host.folder, 'etc/patches');
        const called = join(host.folder, 'test/coredns');
        const calls = (): number =>
          existsSync(called) ? readFileSync(called, 'utf8').split('addon coredns').length - 1 : 0;
        mkdirSync(patches);
        const one = settings('{ patches: { corednsdeployment: { spec: { replicas: 1 } } } }');
        writeFileSync(join(patches, 'corednsdeployment.json'), '{"spec":{"replicas":1}}');
        // kubeadm init has it already.
        await convergeTo(host, one);
        expect(calls()).toBe(0);
        await convergeTo(host, settings('{ extraArgs: { apiServer: { v: "4" } } }'));
        expect(calls()).toBe(1);
        await convergeTo(host, before);
        expect(calls()).toBe(1);

        writeFileSync(join(host.folder, 'test/no-api'), '');
        const [change] = await changesOf(host, one);
        expect(change?.diff).toContain('+corednsdeployment:\n');
        const failed = await convergeTo(host, one);
        expect(failed.code).toBe(1);
        expect(failed.stderr).toContain('kubeadm could not write the Deployment of CoreDNS');
        rmSync(join(host.folder, 'test/no-api'));
        expect(await changesOf(host, one)).toHaveLength(1);
        const result = await convergeTo(host, one);
        expect(result.code, result.stderr).toBe(0);
        expect(result.stdout).not.toContain('Waiting');
        expect(calls()).toBe(2);
        expect(await changesOf(host, one)).toEqual([]);
      }));

    test('that somebody changed by hand is told, and made as it was', () =>
      onControlPlane(async (host) => {
        await convergeTo(host, before);
        const path = join(host.folder, 'etc/manifests/etcd.yaml');
        const text = readFileSync(path, 'utf8');
        writeFileSync(path, text.replace('- etcd\n', '- etcd\n    - --log-level=debug\n'));
        expect(await changesOf(host, before)).toEqual([
          {
            subject: '/etc/kubernetes/manifests/etcd.yaml',
            action: 'update',
            before: 'changed by somebody else',
            after: 'as kubeadm writes it',
          },
        ]);
        await convergeTo(host, before);
        expect(readFileSync(path, 'utf8')).toBe(text);
        expect(await changesOf(host, before)).toEqual([]);
      }));

    test('whose pod does not become ready gets its manifests back', () =>
      onControlPlane(async (host) => {
        await convergeTo(host, before);
        const scheduler = host.manifest('kube-scheduler');
        writeFileSync(join(host.folder, 'test/broken-kube-scheduler'), 'nonsense');
        const after = settings('{ extraArgs: { scheduler: { nonsense: "1" } } }');
        const result = await convergeTo(host, after, { patience: 1 });
        expect(result.code).toBe(1);
        expect(result.stderr).toContain('kube-scheduler did not become ready within 1 s.');
        expect(result.stderr).toContain('The static pods are as they were before.');
        expect(host.manifest('kube-scheduler')).toBe(scheduler);
        expect(await changesOf(host, before)).toEqual([]);
      }));
  },
);
