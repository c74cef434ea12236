import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Fragment } from '@skerry/steps';
import { describe, expect, test } from 'vitest';
import { sandbox } from '../../steps/test/harness/sandbox.ts';
import { runFragment, shells, type ShellName } from '../../steps/test/harness/run-fragment.ts';
import { forgottenKind, networkSteps, resetKind, resetOf } from '../src/index.ts';
import { changed, marked, sound } from './marked-inventory.ts';

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
    ip link set mine up && ip addr add 192.0.2.1/24 dev mine && ip rule add fwmark 0x200 lookup 2004 &&
    ip route add default via 192.0.2.2 table 2004 && ip rule add fwmark 7 lookup 77 || exit 97
    for to in 10.244.2.0/24 10.244.0.0/16 10.9.0.0/24; do ip route add "$to" via 192.0.2.2 || exit 96; done
    ip route add blackhole 10.244.3.0/26 || exit 95
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
const desired = {
  node: 'w-1',
  cluster: 'oslo',
  servers: ['https://10.20.0.10:6443'],
  networks: ['10.244.0.0/16'],
};
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
        ways: ['route to 10.244.2.0/24', 'route to 10.244.3.0/26', 'rule of IPv4 for table 2004'],
      });

      const fragment = resetKind.converge(desired, []);
      const shown = 'ip -o link show; ip route show; ip rule show; ip route show table 2004';
      const result = await host.run({ ...fragment, code: `${fragment.code}\n ${shown}` });
      expect(result.code, result.stderr).toBe(0);
      expect(result.stdout).toMatch(/: mine: /);
      expect(result.stdout).not.toMatch(/: (cni0|veth9)[:@]/);
      for (const theirs of ['10.244.0.0/16 via', '10.9.0.0/24 via', 'lookup 77']) {
        expect(result.stdout).toContain(theirs);
      }
      expect(result.stdout).not.toMatch(/10\.244\.[23]|2004|^default/m);
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

describe('a node of another cluster', () => {
  const observed = {
    member: 'https://10.99.0.10:6443',
    controlPlane: true,
    paths: ['/var/lib/etcd/member'],
    links: [],
    ways: [],
  };

  test('is refused: consent was asked for this cluster alone', () => {
    const [change, ...more] = resetKind.diff(desired, observed);
    expect(more).toEqual([]);
    expect(change).toMatchObject({
      action: 'refuse',
      before: 'control plane of https://10.99.0.10:6443',
      why: expect.stringContaining(
        'another cluster, whose API is at https://10.99.0.10:6443',
      ) as unknown,
      fix: expect.stringContaining('kubeadm reset') as unknown,
    });
  });

  test('is none by its own API server, nor where the attempt never joined it', () => {
    const { inventory } = marked(sound);
    const plane = inventory.hosts.find(({ name }) => name === 'cp-1');
    if (plane === undefined) throw new Error('no control plane');
    const step = resetOf(inventory, plane, new Map())[0];
    const own = { ...desired, ...(step?.desired as typeof desired) };
    for (const member of [...own.servers, '']) {
      const actions = resetKind.diff(own, { ...observed, member }).map(({ action }) => action);
      expect(actions).not.toContain('refuse');
    }
    expect(own.servers).toEqual(['https://10.20.0.10:6443', 'https://10.20.0.11:6444']);
  });

  test('is none with the CA of a control plane of ours, by whatever address it goes', () => {
    const { inventory } = marked(sound);
    const worker = inventory.hosts.find(({ name }) => name === 'w-1');
    if (worker === undefined) throw new Error('no worker');
    const plane = { kubelet: '', role: 'control-plane', ca: 'c0ffee' } as const;
    const fleet = (ca: string) =>
      new Map([
        ['cp-1', { kubernetes: { ...plane, server: 'https://10.20.0.10:6443' } }],
        ['w-1', { kubernetes: { ...plane, ca, server: observed.member } }],
      ]);
    const actionsWith = (ca: string): string[] => {
      const desiredOf = resetOf(inventory, worker, fleet(ca))[0]?.desired as typeof desired;
      return resetKind.diff(desiredOf, observed).map(({ action }) => action);
    };
    expect(actionsWith('c0ffee')).not.toContain('refuse');
    expect(actionsWith('decaf')).toEqual(['refuse']);
  });
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
