import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { factsProbe, parseFacts } from '../src/facts-probe.ts';

test.each([['dash'], ['busybox', 'sh'], ['bash', '--posix']])(
  'facts of this machine are read by %s',
  (shell, ...args) => {
    const stdout = execFileSync(shell, [...args, '-s'], {
      input: `(${factsProbe().code})\n`,
      encoding: 'utf8',
    });
    const facts = parseFacts(stdout);
    const uname = (flag: string): string =>
      execFileSync('uname', [flag], { encoding: 'utf8' }).trim();
    expect(facts).toMatchObject({
      hostname: hostname(),
      kernel: uname('-r'),
      architecture: uname('-m'),
    });
    expect(facts?.cpus).toBe(Number(execFileSync('getconf', ['_NPROCESSORS_ONLN'])));
    expect(facts?.memory).toBeGreaterThan(100);
  },
);

test('an answer that is cut off is no facts', () => {
  expect(parseFacts('')).toBeUndefined();
  expect(parseFacts('hostname=a\nkernel=6.1.0\n')).toBeUndefined();
});

test('interfaces and disks', () => {
  const facts = parseFacts(
    [
      'id=rocky',
      'like=rhel centos fedora',
      '2: eth0    inet 10.0.0.1/24 brd 10.0.0.255 scope global eth0\\       valid_lft forever preferred_lft forever',
      '2: eth0    inet6 fd00::1/64 scope global \\       valid_lft forever preferred_lft forever',
      '4: docker0    inet 172.17.0.1/16 scope global docker0\\       valid_lft forever preferred_lft forever',
      'online=0-3,8',
      'interface=eth0 52:54:00:00:00:01 9000',
      'interface=eth1 52:54:00:00:00:02 1500',
      'disk=nvme0n1 2048 0 S4 EVO 9',
      'cgroup=1',
      'end=facts',
    ].join('\n'),
  );
  expect(facts).toMatchObject({
    family: 'redhat',
    cgroup: 1,
    cpus: 5,
    interfaces: [
      {
        name: 'eth0',
        mac: '52:54:00:00:00:01',
        mtu: 9000,
        addresses: ['10.0.0.1/24', 'fd00::1/64'],
      },
      { name: 'eth1', mac: '52:54:00:00:00:02', mtu: 1500, addresses: [] },
    ],
    disks: [{ name: 'nvme0n1', serial: 'S4 EVO 9', size: 1_048_576, rotational: false }],
  });
});

test.each([
  [
    [
      'kubelet=Kubernetes v1.36.3',
      'role=control-plane',
      'ca=0f1e',
      'server=https://10.0.0.10:6443',
      'services=10.96.0.0/12',
      'domain=cluster.local',
      'services=10.96.0.0/12',
      'pods=10.244.0.0/16',
    ],
    {
      kubelet: '1.36.3',
      role: 'control-plane',
      ca: '0f1e',
      server: 'https://10.0.0.10:6443',
      networks: { pods: '10.244.0.0/16', services: '10.96.0.0/12', domain: 'cluster.local' },
    },
  ],
  [['kubelet='], { kubelet: '', role: '', ca: '', server: '' }],
  [[], { kubelet: '', role: '', ca: '', server: '' }],
])('membership of a cluster: %j', (lines, kubernetes) => {
  expect(parseFacts([...lines, 'end=facts'].join('\n'))?.kubernetes).toEqual(kubernetes);
});

test.each([
  ['containerd github.com/containerd/containerd 1.6.20~ds1 1.6.20~ds1-1+deb12u3', '1.6.20'],
  ['containerd github.com/containerd/containerd 1.7.24 ', '1.7.24'],
  ['containerd github.com/containerd/containerd/v2 v2.3.4 207ad711eabd375a0171', '2.3.4'],
  ['containerd github.com/containerd/containerd/v2 v2.4.0-beta.0 207ad711eabd', '2.4.0-beta.0'],
  ['containerd containerd.io 1.7.27 05044ec0a9a75232cad458027ca83437aae3f4da', '1.7.27'],
  ['', ''],
  ['something else', ''],
])('the version of containerd in %j is %j', (said, version) => {
  expect(parseFacts(`containerd=${said}\nend=facts`)?.containerd).toBe(version);
});

test.each([['dash'], ['busybox', 'sh'], ['bash', '--posix']])(
  'programs of a node are asked by %s for what they are, and only where they are there',
  (shell, ...args) => {
    const folder = mkdtempSync(join(tmpdir(), 'skerry-programs-'));
    const facts = (): unknown => {
      const stdout = execFileSync(shell, [...args, '-s'], {
        input: `PATH=${folder}:/nowhere\n(${factsProbe().code})\n`,
        encoding: 'utf8',
        stdio: ['pipe', 'pipe', 'ignore'],
      });
      const { containerd, kubernetes } = parseFacts(stdout) ?? {};
      return [containerd, kubernetes?.kubelet];
    };
    try {
      expect(facts()).toEqual(['', '']);
      const program = (name: string, line: string): void => {
        writeFileSync(join(folder, name), `#!/bin/sh\necho '${line}'\n`, { mode: 0o755 });
      };
      program('containerd', 'containerd github.com/containerd/containerd/v2 v2.3.4 207ad7');
      expect(facts()).toEqual(['2.3.4', '']);
      program('kubelet', 'Kubernetes v1.36.3');
      expect(facts()).toEqual(['2.3.4', '1.36.3']);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
);

const rootOnly = test.skipIf(process.getuid?.() !== 0);

rootOnly.each(['dash', 'busybox sh'])(
  'a member is told from what was begun only, by %s',
  (shell) => {
    const answer = (begun: boolean): unknown => {
      const stdout = execFileSync(
        'unshare',
        [
          '-m',
          'sh',
          '-c',
          `mkdir -p /etc/kubernetes /var/lib/skerry
        mount -t tmpfs none /etc/kubernetes && mount -t tmpfs none /var/lib/skerry || exit 99
        mkdir -p /etc/kubernetes/pki /etc/kubernetes/manifests
        printf ca >/etc/kubernetes/pki/ca.crt
        cat >/etc/kubernetes/manifests/kube-apiserver.yaml <<'END'
    - kube-apiserver
    - --service-account-issuer=https://kubernetes.default.svc.k8s.example.org
    - --service-account-key-file=/etc/kubernetes/pki/sa.pub
    - --service-cluster-ip-range=10.96.0.0/12,fd00:96::/112
END
        cat >/etc/kubernetes/manifests/kube-controller-manager.yaml <<'END'
    - --cluster-cidr=10.244.0.0/16,fd00:244::/56
    - --service-cluster-ip-range=10.96.0.0/12,fd00:96::/112
END
        printf 'clusters:\n- cluster:\n    server: https://10.0.0.10:6443\n' >/etc/kubernetes/kubelet.conf
        if [ "$1" = true ]; then : >/var/lib/skerry/kubeadm.started; fi
        exec ${shell} -s`,
          'sh',
          String(begun),
        ],
        { input: `(${factsProbe().code})\n`, encoding: 'utf8' },
      );
      return parseFacts(stdout)?.kubernetes;
    };
    expect(answer(false)).toMatchObject({
      role: 'control-plane',
      // sha256sum of "ca"
      ca: '6959097001d10501ac7d54c0bdb8db61420f658f2922cc26e46d536119a31126',
      server: 'https://10.0.0.10:6443',
      networks: {
        pods: '10.244.0.0/16,fd00:244::/56',
        services: '10.96.0.0/12,fd00:96::/112',
        domain: 'k8s.example.org',
      },
    });
    expect(answer(true)).toEqual({ kubelet: '', role: '', ca: '', server: '' });
  },
);
