import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseInventory, type Inventory } from '@skerry/inventory';
import type { Arg, ReadOn } from '@skerry/steps';
import { describe, expect, test } from 'vitest';
import { sandbox } from '../../steps/test/harness/sandbox.ts';
import { runFragment } from '../../steps/test/harness/run-fragment.ts';
import {
  clusterConfiguration,
  initConfiguration,
  joinConfiguration,
  joinPlaceholders,
  kubeletConfiguration,
  kubeProxyConfiguration,
  objectsText,
} from '../src/index.ts';
import { withJoinValues } from '../src/kubeadm/join-values.ts';
import { builtProgram } from './built-programs.ts';
import { changed, marked } from './marked-inventory.ts';

const run = promisify(execFile);
const kubeadm = builtProgram('kubeadm') ?? '';

const oslo = parseInventory(
  readFileSync(new URL('../../../inventory/oslo.yaml', import.meta.url), 'utf8'),
  'oslo.yaml',
);
const everything = marked(
  changed(
    ['proxy: nftables', 'proxy: ipvs\n    ipvs: { excludeNetworks: [10.20.0.10/32] }'],
    ['10.244.0.0/16', '[10.244.0.0/16, fd00:244::/56]'],
    ['10.96.0.0/12', '[10.96.0.0/12, fd00:96::/112]'],
    [
      'cp-1: { address: 10.20.0.11 }',
      'cp-1: { address: 10.20.0.11, node: { swap: true, labels: { example.org/disk: nvme, node-role.kubernetes.io/edge: "" }, taints: [{ key: a, effect: NoSchedule }] } }',
    ],
    [
      '  dns: { nodeLocal: false }',
      `  dns: { nodeLocal: true }
  kubeadm:
    extraArgs: { apiServer: { v: '2' }, controllerManager: { v: '2' }, scheduler: { v: '2' }, etcd: { quota-backend-bytes: '1' } }
    timeouts: { controlPlaneComponentHealthCheck: 1m30s }
    kubelet: { maxPods: 200 }
    patches: { etcd+json: [] }
    ignorePreflightErrors: [NumCPU]`,
    ],
  ),
).inventory;

const hostOf = (inventory: Inventory, role: string, from = 0) => {
  const found = inventory.hosts.filter(({ roles }) => roles.includes(role))[from];
  if (found === undefined) throw new Error(`there is no ${role}`);
  return found;
};

/** What stands in a configuration when it is given to kubeadm. */
function filled(text: string): string {
  const made: Record<string, string> = {
    [joinPlaceholders.token]: '123456.1234567890123456',
    [joinPlaceholders.certificateKey]: '1'.repeat(64),
    [joinPlaceholders.caCertHashes[0] ?? '']: `sha256:${'0'.repeat(64)}`,
  };
  const order = [...text.matchAll(/⟦[^⟧]+⟧/g)].map(([placeholder]) => made[placeholder] ?? '');
  return withJoinValues(text, { makers: ['a'], server: 's', version: 'v' })
    .map((arg) => (typeof arg === 'string' ? arg : (order.shift() ?? '')))
    .join('');
}

/** The sound inventory with another way to its API. */
const endpointOf = (endpoint: string): Inventory =>
  marked(changed(['{ address: 10.20.0.10, via: keepalived }', endpoint])).inventory;

describe.skipIf(kubeadm === '' || process.getuid?.() !== 0)('the real kubeadm', () => {
  test.each([
    ['oslo', oslo],
    ['every setting', everything],
    ...['iptables', 'nftables'].map((mode): [string, Inventory] => [
      `sync periods of ${mode}`,
      marked(
        changed([
          'proxy: nftables',
          `proxy: ${mode}\n    ${mode}: { syncPeriod: 1m, minSyncPeriod: 5s }`,
        ]),
      ).inventory,
    ]),
    [
      'keepalived on another port',
      endpointOf('{ address: 10.20.0.10, via: keepalived, port: 443 }'),
    ],
    ['kube-vip', endpointOf('{ address: 10.20.0.10, via: kube-vip }')],
    ['kube-vip with IPv6', endpointOf('{ address: "fd00:20::10", via: kube-vip }')],
    [
      'a load balancer outside, by name',
      endpointOf('{ address: api.example.org, via: external, port: 443 }'),
    ],
  ])('takes the configuration of %s', async (_, inventory) => {
    await using box = await sandbox();
    const proxy = kubeProxyConfiguration(inventory);
    const texts = [
      objectsText([
        initConfiguration(inventory, hostOf(inventory, 'control-plane')),
        clusterConfiguration(inventory),
        kubeletConfiguration(inventory),
        ...(proxy === undefined ? [] : [proxy]),
      ]),
      ...[hostOf(inventory, 'control-plane', 1), hostOf(inventory, 'worker')].map((host) =>
        objectsText([joinConfiguration(inventory, host, joinPlaceholders)]),
      ),
    ];
    for (const [index, text] of texts.entries()) {
      const path = join(box.path, `${index}.yaml`);
      writeFileSync(path, filled(text));
      const { stdout } = await run(kubeadm, ['config', 'validate', '--config', path]);
      expect(stdout.trim()).toBe('ok');
    }
  });

  test('makes the digest of a CA without openssl, on a control plane of this cluster only', async () => {
    await using box = await sandbox();
    const config = join(box.path, 'c.yaml');
    writeFileSync(
      config,
      `apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
localAPIEndpoint: { advertiseAddress: 10.20.0.11 }
nodeRegistration: { criSocket: 'unix:///run/containerd/containerd.sock' }
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v1.36.3
controlPlaneEndpoint: 10.20.0.10:6443
certificatesDir: ${box.path}/pki
`,
    );
    await run(kubeadm, ['init', 'phase', 'certs', 'ca', '--config', config]);
    const admin = 'init phase kubeconfig admin --kubeconfig-dir'.split(' ');
    await run(kubeadm, [...admin, box.path, '--config', config]);
    const enter =
      'mkdir -p /etc/kubernetes && mount --bind "$1" /etc/kubernetes || exit 99; shift; exec "$@"';
    const inside = ['unshare', '-m', 'sh', '-c', enter, 'sh', box.path];
    const env = { PATH: `${kubeadm.replace(/\/kubeadm$/, '')}:${process.env['PATH'] ?? ''}` };
    const ask = async (server: string) => {
      const placeholder = joinPlaceholders.caCertHashes[0] ?? '';
      const made = withJoinValues(placeholder, { makers: ['a'], server, version: '1.36.3' }).find(
        (arg: Arg): arg is ReadOn => typeof arg === 'object' && 'readOn' in arg,
      );
      if (made === undefined) throw new Error('nobody is asked');
      return runFragment('dash', made.fragment, { inside, env });
    };
    const answer = await ask('https://10.20.0.10:6443');
    expect(answer.code, answer.stderr).toBe(0);
    const { stdout } = await run('sh', [
      '-c',
      'openssl x509 -pubkey -noout -in "$1" | openssl pkey -pubin -outform der | sha256sum',
      'sh',
      `${box.path}/pki/ca.crt`,
    ]);
    expect(answer.stdout).toBe(`sha256:${stdout.slice(0, 64)}\n`);
    const other = await ask('https://10.99.0.1:6443');
    expect(other.code).toBe(1);
    expect(other.stderr).toContain('its control plane is not that of https://10.99.0.1:6443');
  });

  test('says of a token that has expired what it is, and the token itself nowhere', async () => {
    await using box = await sandbox();
    await run('openssl', [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-subj',
      '/CN=localhost',
      '-keyout',
      join(box.path, 'key'),
      '-out',
      join(box.path, 'crt'),
    ]);
    // What an API server gives everybody: where the cluster is, signed by the tokens that still live.
    const info = {
      kind: 'ConfigMap',
      apiVersion: 'v1',
      metadata: { name: 'cluster-info' },
      data: { kubeconfig: 'apiVersion: v1\nkind: Config\n' },
    };
    const server = createServer(
      { key: readFileSync(join(box.path, 'key')), cert: readFileSync(join(box.path, 'crt')) },
      (_, response) => {
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify(info));
      },
    );
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as AddressInfo;
    const inventory = marked(
      changed(
        [
          'address: 10.20.0.10, via: keepalived',
          `address: 127.0.0.1, port: ${port}, via: external`,
        ],
        [
          '  dns: { nodeLocal: false }',
          '  dns: { nodeLocal: false }\n  kubeadm: { timeouts: { discovery: 3s }, ignorePreflightErrors: [all] }',
        ],
      ),
    ).inventory;
    const text = filled(
      objectsText([joinConfiguration(inventory, hostOf(inventory, 'worker'), joinPlaceholders)]),
    );
    writeFileSync(join(box.path, 'join.yaml'), text);
    const path = join(box.path, 'join.yaml');
    const failed = await run(kubeadm, ['join', 'phase', 'preflight', '--config', path]).then(
      () => undefined,
      (error: { stderr: string; stdout: string }) => error,
    );
    server.close();
    expect(failed?.stderr).toContain(
      'could not find a JWS signature in the cluster-info ConfigMap for token ID "123456"',
    );
    expect(`${failed?.stderr}${failed?.stdout}`).not.toContain('1234567890123456');
  });
});
