import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Fragment } from '@skerry/steps';
import { describe, expect, test } from 'vitest';
import { sandbox } from '../../steps/test/harness/sandbox.ts';
import { runFragment, shells, type ShellName } from '../../steps/test/harness/run-fragment.ts';
import { forgottenKind, networkSteps, resetKind, resetOf } from '../src/index.ts';
import { changed, marked } from './marked-inventory.ts';

interface Host {
  readonly folder: string;
  run(fragment: Fragment): ReturnType<typeof runFragment>;
  /** Writes a file as the host sees it. */
  write(path: string, text?: string): void;
  has(path: string): boolean;
}

/** A host with /etc, /var/lib, /run and a network of its own; its kubeadm notes that it was called. */
async function onHost(shell: ShellName, work: (host: Host) => Promise<void>): Promise<void> {
  await using box = await sandbox();
  const folder = box.path;
  for (const name of ['etc', 'var/lib', 'run', 'bin']) {
    mkdirSync(join(folder, name), { recursive: true });
  }
  const program = (name: string, text: string): void =>
    writeFileSync(join(folder, 'bin', name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  program('kubeadm', 'echo "$*" >>/run/called; rm -f /etc/kubernetes/kubelet.conf');
  program('systemctl', 'exit 3');
  program('kubectl', 'echo "$*" >>/run/called; [ ! -e /run/api-is-down ]');
  const inside = [
    'unshare',
    '-mn',
    'sh',
    '-c',
    `for name in etc var/lib run; do mount --bind "$1/$name" "/$name" || exit 99; done
    ip link add cni0 type bridge && ip link add veth9 type veth peer name other9 &&
    ip link set veth9 master cni0 && ip link add mine type bridge || exit 98
    shift; exec "$@"`,
    'sh',
    folder,
  ];
  const PATH = `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}`;
  await work({
    folder,
    run: (fragment) => runFragment(shell, fragment, { inside, env: { PATH } }),
    write: (path, text = '') => {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    },
    has: (path) => existsSync(join(folder, path)),
  });
}

const kubeconfig = 'clusters:\n- cluster:\n    server: https://10.20.0.10:6443\n';
const desired = { node: 'w-1' };
const leaving = {
  node: 'w-1',
  server: 'https://10.20.0.10:6443',
  controlPlanes: ['cp-1'],
};

/** What `forgotten` runs on another host. */
function question(): Fragment {
  const [arg] = forgottenKind.converge(leaving, []).args;
  if (typeof arg !== 'object' || !('readOn' in arg)) throw new Error('it asks nobody');
  return arg.fragment;
}

describe.skipIf(process.getuid?.() !== 0).each(shells)('a node that is reset, by %s', (shell) => {
  test('loses what Kubernetes made, and nothing else', () =>
    onHost(shell, async (host) => {
      const theirs = [
        'etc/ssh/sshd_config',
        'etc/kubernetes/mine.txt',
        'etc/cni/net.d/99-mine.conflist',
        'var/lib/etcd-of-mine/data',
      ];
      const ours = [
        'etc/kubernetes/pki/ca.crt',
        'etc/kubernetes/manifests/kube-vip.yaml',
        'etc/cni/net.d/10-skerry.conflist',
        'var/lib/kubelet/config.yaml',
        'var/lib/etcd/member/wal/0.wal',
        'var/lib/skerry/kubeadm.started',
      ];
      for (const path of [...theirs, ...ours]) host.write(path, 'x');
      host.write('etc/kubernetes/kubelet.conf', kubeconfig);
      const before = resetKind.parse(await host.run(resetKind.probe(desired)), desired);
      expect(before).toMatchObject({
        member: 'https://10.20.0.10:6443',
        controlPlane: false,
        links: ['veth9', 'cni0'].toSorted(),
      });

      const code = `${resetKind.converge(desired, []).code}\n ip -o link show`;
      const result = await host.run({ code, args: [] });
      expect(result.code, result.stderr).toBe(0);
      expect(result.stdout).toMatch(/: mine: /);
      expect(result.stdout).not.toMatch(/: (cni0|veth9)[:@]/);
      expect(readFileSync(join(host.folder, 'run/called'), 'utf8')).toMatch(/^reset --force /);
      for (const path of theirs) expect(host.has(path), path).toBe(true);
      for (const path of ours) expect(host.has(path), path).toBe(false);
      expect(host.has('var/lib/skerry/left')).toBe(true);

      // The namespace has its bridge again; of all else nothing is left.
      const after = resetKind.parse(await host.run(resetKind.probe(desired)), desired);
      expect(after).toMatchObject({ member: '', controlPlane: false, paths: [] });
    }));

  test('is forgotten by a control plane of its own cluster, and by no other', () =>
    onHost(shell, async (host) => {
      const other = await host.run(question());
      expect(other.code).toBe(1);
      expect(other.stderr).toContain('it runs no control plane of this cluster');

      host.write('etc/kubernetes/admin.conf', kubeconfig);
      const answer = await host.run(question());
      expect(answer.code, answer.stderr).toBe(0);
      expect(readFileSync(join(host.folder, 'run/called'), 'utf8')).toContain('delete node w-1');
      host.write('run/api-is-down');
      expect((await host.run(question())).code).toBe(1);
    }));

  test('notes that it has left until the cluster was told, or is no more', () =>
    onHost(shell, async (host) => {
      host.write('var/lib/skerry/left');
      const answer = await host.run(question());
      expect(answer.code).toBe(0);
      const fragment = forgottenKind.converge(leaving, []);
      const told = await host.run({ ...fragment, args: [answer.stdout.trim(), 'w-1'] });
      expect(told.stdout).toBe(
        'No control plane could be told. Where the cluster lives on: kubectl delete node w-1\n',
      );
      expect(host.has('var/lib/skerry/left')).toBe(false);
    }));
});

describe('what networks of pods wrote on a node', () => {
  const calico = marked(changed(['cni: cilium', 'cni: calico'])).inventory;
  const worker = calico.hosts.find(({ name }) => name === 'w-1');
  if (worker === undefined) throw new Error('no worker');
  const gone = resetOf(calico, worker, new Map()).flatMap(({ kind, name }) =>
    kind.kind === 'absent' ? [name] : [],
  );
  const allowed = [
    ['default: deny', 'default: allow'],
    ['allow: [dns]', 'allow: []'],
  ] as const;
  const facts = { interfaces: [] };

  // Another CNI than the inventory has now: one that was changed leaves nothing either.
  test.each([
    ['cilium', '/etc/sysctl.d/99-zzz-skerry-cilium.conf'],
    ['routed', '/etc/systemd/system/skerry-routes.timer'],
  ])('goes with a reset: %s', (cni, one) => {
    const { inventory } = marked(changed(['cni: cilium', `cni: ${cni}`], ...allowed));
    const written = networkSteps(inventory, { ...worker, facts }).flatMap(({ kind, name }) =>
      kind.kind === 'file' ? [name] : [],
    );
    expect(written).toContain(one);
    const left = written.filter((path) => !gone.includes(path));
    // These go with the files of kubeadm, before pods could start again.
    expect(left.filter((path) => !path.startsWith('/etc/cni/net.d/'))).toEqual([]);
  });
});
