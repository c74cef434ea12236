import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Arg, Fragment } from '@skerry/steps';
import { describe, expect, test } from 'vitest';
import { inMountNamespace, sandbox } from '../../steps/test/harness/sandbox.ts';
import { runFragment, shells, type ShellName } from '../../steps/test/harness/run-fragment.ts';
import { joinPlaceholders, membershipKind } from '../src/index.ts';

/** A host: its /etc/kubernetes, /var/lib/skerry and /run/skerry, and what is called there. */
interface Host {
  readonly folder: string;
  run(fragment: Fragment): ReturnType<typeof runFragment>;
  calls(): string[];
}

// kubeadm needs a machine of its own; this one tells what it was given, and does as it is told.
const program = `#!/bin/sh
log=/run/skerry-test/calls
case $1 in
  reset)
    echo "$*" >>"$log"
    rm -rf /etc/kubernetes/manifests/* /etc/kubernetes/kubelet.conf ;;
  *)
    echo "$1 $(cat "$3" | tr '\\n' ' ') mode $(stat -c %a "$3") args $*" >>"$log"
    mkdir -p /etc/kubernetes/manifests
    if [ -e /run/skerry-test/fails ]; then cat /run/skerry-test/fails >&2; exit 1; fi
    printf 'clusters:\\n- cluster:\\n    server: https://10.20.0.10:6443\\n' >/etc/kubernetes/kubelet.conf ;;
esac
`;
const kubectl = `#!/bin/sh
cat /run/skerry-test/nodes 2>/dev/null
`;

async function onHost(shell: ShellName, work: (host: Host) => Promise<void>): Promise<void> {
  await using box = await sandbox();
  const folder = box.path;
  for (const name of ['etc', 'state', 'run', 'test', 'bin']) mkdirSync(join(folder, name));
  for (const [name, text] of Object.entries({ kubeadm: program, kubectl })) {
    writeFileSync(join(folder, 'bin', name), text, { mode: 0o755 });
  }
  const inside = inMountNamespace(
    `mkdir -p /etc/kubernetes /var/lib/skerry /run/skerry /run/skerry-test
    mount --bind "$1/etc" /etc/kubernetes; mount --bind "$1/state" /var/lib/skerry
    mount --bind "$1/run" /run/skerry; mount --bind "$1/test" /run/skerry-test`,
    folder,
  );
  await work({
    folder,
    run: (fragment) =>
      runFragment(shell, fragment, {
        inside,
        env: { PATH: `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}` },
      }),
    calls: () =>
      readdirSync(join(folder, 'test')).includes('calls')
        ? readFileSync(join(folder, 'test/calls'), 'utf8').trimEnd().split('\n')
        : [],
  });
}

const parse = (desired: object) =>
  membershipKind.schema.parse({
    cluster: 'oslo',
    node: 'cp-1',
    action: 'init',
    role: 'control-plane',
    version: '1.36.3',
    server: 'https://10.20.0.10:6443',
    configuration: 'kind: InitConfiguration\n',
    ...desired,
  });
const first = parse({});
const joining = parse({
  action: 'join',
  node: 'w-1',
  role: 'worker',
  makers: ['cp-1'],
  configuration: `token: ${joinPlaceholders.token}\nhash: ${joinPlaceholders.caCertHashes[0]}\n`,
});

/** As the engine sends it: values in place of what another host makes. */
function converge(desired: typeof first): Fragment {
  const fragment = membershipKind.converge(desired, []);
  const made = ['abcdef.0123456789abcdef', 'sha256:0f1e'];
  const args = fragment.args.map((arg: Arg) =>
    typeof arg === 'object' && 'readOn' in arg ? (made.shift() ?? '') : arg,
  );
  return { ...fragment, args };
}

async function observed(host: Host, desired = first) {
  return membershipKind.parse(await host.run(membershipKind.probe(desired)), desired);
}

describe.skipIf(process.getuid?.() !== 0).each(shells)('a node, by %s', (shell) => {
  test('is begun with a configuration that only root may read, and that is gone after', () =>
    onHost(shell, async (host) => {
      const result = await host.run(converge(joining));
      expect(result.stderr).toBe('');
      expect(result.code).toBe(0);
      expect(host.calls()).toEqual([
        expect.stringMatching(
          /^join token: "abcdef\.0123456789abcdef" hash: "sha256:0f1e"  mode 600 args join --config \/run\/skerry\/kubeadm\.\w+$/,
        ),
      ]);
      expect(readdirSync(join(host.folder, 'run'))).toEqual([]);
      expect(readdirSync(join(host.folder, 'state'))).toEqual([]);
      expect(await observed(host)).toMatchObject({
        started: false,
        member: { server: 'https://10.20.0.10:6443', role: 'worker' },
      });
    }));

  test('that came to no end is known, taken back by the next run, and begun anew', () =>
    onHost(shell, async (host) => {
      const fails = join(host.folder, 'test/fails');
      writeFileSync(fails, 'error: could not find a JWS signature for token ID "abcdef"\n');
      const failed = await host.run(converge(joining));
      expect(failed.code).toBe(1);
      expect(failed.stderr).toContain('could not find a JWS signature');
      expect(failed.stderr).toContain('the next apply takes it back and begins anew');
      expect(failed.stderr + failed.stdout).not.toContain('0123456789abcdef');
      expect(readdirSync(join(host.folder, 'run'))).toEqual([]);
      expect(await observed(host)).toMatchObject({ started: true });

      // kube-vip holds the address of the cluster, and is no part of the attempt.
      writeFileSync(join(host.folder, 'etc/manifests/kube-vip.yaml'), 'kind: Pod\n\n');
      writeFileSync(fails, '');
      await host.run(converge(joining));
      expect(host.calls()[1]).toMatch(/^reset --force/);
      const vip = readFileSync(join(host.folder, 'etc/manifests/kube-vip.yaml'), 'utf8');
      expect(vip).toBe('kind: Pod\n\n');
    }));

  test('of another cluster is refused as it is found, and stays as it is', () =>
    onHost(shell, async (host) => {
      const files = {
        'kubelet.conf': 'clusters:\n- cluster:\n    server: https://10.99.0.1:6443\n',
        'pki/ca.crt': 'the CA of others\n',
        'manifests/kube-apiserver.yaml': 'kind: Pod\n',
      };
      for (const name of ['pki', 'manifests']) mkdirSync(join(host.folder, 'etc', name));
      for (const [name, text] of Object.entries(files)) {
        writeFileSync(join(host.folder, 'etc', name), text);
      }
      for (const desired of [first, joining]) {
        const changes = membershipKind.diff(desired, await observed(host, desired));
        expect(changes).toEqual([
          expect.objectContaining({
            action: 'refuse',
            before: 'control-plane of https://10.99.0.1:6443',
            why: expect.stringContaining('it already belongs to another cluster') as string,
          }),
        ]);
      }
      expect(host.calls()).toEqual([]);
      for (const [name, text] of Object.entries(files)) {
        expect(readFileSync(join(host.folder, 'etc', name), 'utf8')).toBe(text);
      }
      expect(readdirSync(join(host.folder, 'state'))).toEqual([]);
    }));

  test('that was begun as the first of a cluster with other nodes is not reset', () =>
    onHost(shell, async (host) => {
      writeFileSync(join(host.folder, 'state/kubeadm.started'), 'init\n');
      writeFileSync(join(host.folder, 'test/nodes'), 'node/cp-1\nnode/w-1\n');
      const result = await host.run(converge(first));
      expect(result.code).toBe(1);
      expect(result.stderr).toContain('the cluster has other nodes (node/w-1)');
      expect(host.calls()).toEqual([]);

      writeFileSync(join(host.folder, 'test/nodes'), 'node/cp-1\n');
      expect((await host.run(converge(first))).code).toBe(0);
      expect(host.calls().map((call) => call.split(' ')[0])).toEqual(['reset', 'init']);
    }));
});
