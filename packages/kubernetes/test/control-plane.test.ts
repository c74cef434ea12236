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
  writeFileSync(join(folder, 'bin/kubectl'), kubectl, { mode: 0o755 });
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
