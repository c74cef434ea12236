import { describe, expect, it, test } from 'vitest';
import { parseIpvs } from '../src/verification/tables/ipvs.ts';
import { parseIptables } from '../src/verification/tables/iptables.ts';
import { parseNftables } from '../src/verification/tables/nftables.ts';
import {
  checkNamed,
  findings,
  inventoryOf,
  judge,
  pool,
  recorded,
  said,
  viewOf,
} from './verification-view.ts';

describe('the view of a cluster', () => {
  const view = viewOf();

  it('has the nodes with their state', () => {
    expect(view.nodes).toEqual([
      {
        name: 'lab-1',
        ready: true,
        reason: 'KubeletReady: kubelet says so',
        version: 'v1.36.3',
        addresses: ['192.168.121.11'],
      },
      expect.objectContaining({ name: 'lab-2', ready: false, addresses: ['192.168.121.12'] }),
    ]);
  });

  it('has the ready backends of each port of a Service', () => {
    const probe = view.services.find(({ name }) => name === 'probe');
    expect(probe).toMatchObject({
      addresses: ['10.96.77.7'],
      external: ['192.168.121.200'],
      ports: [{ port: 80, nodePort: 31080, backends: ['10.244.1.5:8080', '10.244.2.7:8080'] }],
    });
    const addresses = (name: string): unknown =>
      view.services.find((service) => service.name === name)?.addresses;
    expect([addresses('headless'), addresses('elsewhere')]).toEqual([[], []]);
  });

  it('has the probes that are ready, and says what the others wait for', () => {
    expect([...view.probes.keys()]).toEqual(['lab-1', 'lab-2']);
    expect(view.waiting).toEqual([
      {
        pod: 'probe-c',
        node: 'lab-3',
        why: 'ImagePullBackOff: Back-off pulling image "skerry.dev/probe:1.0.0"',
      },
    ]);
  });
});

describe('nodes', () => {
  it('names a node that is not Ready, with the reason, and one that is missing', () => {
    const found = findings(judge('nodes-ready', viewOf()));
    expect(found).toEqual([
      expect.objectContaining({ what: 'lab-2 is not Ready', why: 'KubeletReady: kubelet says so' }),
    ]);
    const { nodes } = viewOf();
    const alone = viewOf(undefined, { nodes: nodes.slice(0, 1) });
    expect(findings(judge('nodes-ready', alone))[0]?.what).toBe('lab-2 is no node of this cluster');
  });

  it('names a kubelet of another version', () => {
    const nodes = viewOf().nodes.map((node) => ({ ...node, ready: true, version: 'v1.35.4' }));
    const found = findings(judge('nodes-ready', viewOf(undefined, { nodes })));
    expect(found[0]?.what).toBe('lab-1 runs v1.35.4, the inventory says v1.36.3');
    expect(found).toHaveLength(2);
  });

  it('passes where all are well', () => {
    const nodes = viewOf().nodes.map((node) => ({ ...node, ready: true }));
    expect(judge('nodes-ready', viewOf(undefined, { nodes }))).toEqual({
      status: 'passed',
      looked: '2 nodes: lab-1 v1.36.3, lab-2 v1.36.3',
    });
  });

  it('says of a node without a probe why, and that the image comes from the bundle', () => {
    const view = viewOf();
    const third = view.nodes.slice(0, 1).map((node) => ({ ...node, name: 'lab-3' }));
    const three = { ...view, nodes: [...view.nodes, ...third] };
    const [found] = findings(judge('probe-pods', three));
    expect(found?.what).toBe('no probe pod is ready on lab-3');
    expect(found?.fix).toContain('bundle');
    expect(judge('probe-pods', view).status).toBe('passed');
  });
});

/** Every Service of the recorded cluster, except those without address; as each data plane says it. */
const planes = {
  nftables: { parse: parseNftables, file: 'nftables.txt' },
  iptables: { parse: parseIptables, file: 'iptables.txt' },
  ipvs: { parse: parseIpvs, file: 'ip_vs.txt' },
} as const;

describe.each(Object.entries(planes))('rules of %s', (proxy, { parse, file }) => {
  const view = viewOf(inventoryOf({ network: `cni: routed, proxy: ${proxy}` }));
  const text = recorded(file);

  it('are read as frontends with their backends', () => {
    const table = parse(text);
    expect([...(table.get('tcp 10.96.77.7:80') ?? [])].toSorted()).toEqual([
      '10.244.1.5:8080',
      '10.244.2.7:8080',
    ]);
    expect([...(table.get('udp 10.96.0.10:53') ?? [])]).toEqual(['10.244.1.2:53']);
    expect([...(table.get('tcp 10.96.6.6:80') ?? [])].toSorted()).toEqual([
      '10.244.1.8:80',
      '10.244.2.8:80',
    ]);
    expect([...(table.get('tcp 192.168.121.200:80') ?? [])]).toHaveLength(2);
  });

  it('pass where they are as the API has it', () => {
    const verdict = judge('service-rules', view, { 'lab-1': said(text), 'lab-2': said(text) });
    expect(verdict).toMatchObject({ status: 'passed' });
    expect(verdict).toHaveProperty('looked', expect.stringContaining('on 2 nodes'));
  });

  it('fail where a backend is missing, one too many, or the Service is not there', () => {
    const changed = text
      .replaceAll('10.244.2.7', '10.244.2.99')
      .replaceAll('0AF40207', '0AF40263')
      .replaceAll('10.96.6.6', '10.96.6.60')
      .replaceAll('0A600606', '0A60063C');
    const [found, ...more] = findings(
      judge('service-rules', view, { 'lab-1': said(text), 'lab-2': said(changed) }),
    );
    expect(more).toEqual([]);
    expect(found?.what).toContain('lab-2');
    expect(found?.what).toContain('skerry-verify/probe (tcp 10.96.77.7:80) lacks 10.244.2.7:8080');
    expect(found?.what).toContain('goes to 10.244.2.99:8080, no backend of it');
    expect(found?.what).toContain('default/sticky (tcp 10.96.6.6:80) is not there');
  });

  it('fail where they cannot be read', () => {
    const output = said('', { code: 1, stderr: 'no such table\n' });
    expect(findings(judge('service-rules', view, { 'lab-1': output }))[0]?.why).toBe(
      'no such table',
    );
  });
});

describe('Cilium’s services', () => {
  const view = viewOf(inventoryOf({ network: 'cni: cilium, proxy: none' }));
  const service = (
    ip: string,
    port: number,
    backends: readonly [string, number][],
    protocol = 'TCP',
  ) => ({
    spec: { id: 1 },
    status: {
      realized: {
        id: 1,
        flags: { type: 'ClusterIP', name: 'x', namespace: 'y' },
        'frontend-address': { ip, port, protocol, scope: 'external' },
        'backend-addresses': backends.map(([ip, port]) => ({
          ip,
          port,
          protocol,
          state: 'active',
        })),
      },
    },
  });
  const all = [
    service('10.96.0.1', 443, [['192.168.121.11', 6443]]),
    service('10.96.0.10', 53, [['10.244.1.2', 53]]),
    service('10.96.0.10', 53, [['10.244.1.2', 53]], 'UDP'),
    service('10.96.6.6', 80, [
      ['10.244.1.8', 80],
      ['10.244.2.8', 80],
    ]),
    service('10.96.77.7', 80, [
      ['10.244.1.5', 8080],
      ['10.244.2.7', 8080],
    ]),
  ];

  it('pass, and fail without the backend of another node', () => {
    expect(judge('service-rules', view, { 'lab-1': said(JSON.stringify(all)) }).status).toBe(
      'passed',
    );
    const less = [...all.slice(0, -1), service('10.96.77.7', 80, [['10.244.1.5', 8080]])];
    const [found] = findings(judge('service-rules', view, { 'lab-1': said(JSON.stringify(less)) }));
    expect(found?.what).toContain('lacks 10.244.2.7:8080');
  });
});

describe('etcd', () => {
  const healthy =
    '[{"endpoint":"https://192.168.121.11:2379","health":true,"took":"1.954403ms"}]\n';

  it('passes, names a member that is ill, and one too many', () => {
    expect(judge('etcd-health', viewOf(), { 'lab-1': said(healthy) })).toEqual({
      status: 'passed',
      looked: '1 member: https://192.168.121.11:2379 (1.954403ms)',
    });
    // What etcdctl 3.6.8 says where it gets no answer from a member.
    const ill = `[${healthy.trim().slice(1, -1)},{"endpoint":"https://192.168.121.13:2379","health":false,"took":"2.001065645s","error":"context deadline exceeded"}]\n`;
    expect(
      findings(judge('etcd-health', viewOf(), { 'lab-1': said(ill) })).map(({ what }) => what),
    ).toEqual([
      'lab-1: the member https://192.168.121.13:2379 is not healthy',
      'lab-1: etcd has 2 members, the inventory 1 control plane',
    ]);
    const silent = said('', { code: 1, stderr: 'no process etcd runs on this node' });
    expect(findings(judge('etcd-health', viewOf(), { 'lab-1': silent }))).toHaveLength(1);
  });

  const buckets = (counts: readonly (readonly [string, number])[]): string =>
    counts
      .map(([le, count]) => `etcd_disk_wal_fsync_duration_seconds_bucket{le="${le}"} ${count}\n`)
      .join('');
  const fast = buckets([
    ['0.001', 90],
    ['0.002', 95],
    ['0.004', 99],
    ['0.008', 100],
    ['+Inf', 100],
  ]);
  const slow = buckets([
    ['0.001', 9],
    ['0.008', 12],
    ['0.016', 14],
    ['0.064', 99],
    ['+Inf', 100],
  ]);

  it('is judged by the limit of the inventory, and not without one', () => {
    const judged = judge('etcd-fsync', viewOf(), { 'lab-1': said(fast) });
    expect(judged).toMatchObject({ status: 'skipped' });
    expect(judged).toHaveProperty(
      'reason',
      expect.stringContaining('lab-1 p99 ≤ 4 ms of 100 syncs'),
    );
    const limited = viewOf(inventoryOf({ node: '{ etcdDisk: {} }' }));
    expect(judge('etcd-fsync', limited, { 'lab-1': said(fast) }).status).toBe('passed');
    const [found] = findings(judge('etcd-fsync', limited, { 'lab-1': said(slow) }));
    expect(found?.what).toBe('lab-1: 99 of 100 syncs take up to 64 ms, above the limit of 10 ms');
  });
});

describe('from outside', () => {
  const view = viewOf(inventoryOf({ more: pool }));
  const here = { result: 'answered', segment: 'eth0', neighbours: ['52:54:00:a8:79:0b'] } as const;
  const text = '{"node":"lab-2","pod":"probe-b","client":"192.168.121.1"}\n';

  it('asks every node for the NodePort, and the address of the pool', () => {
    expect(checkNamed('service-node-port').calls?.(view)).toEqual([
      { address: '192.168.121.11', port: 31080 },
      { address: '192.168.121.12', port: 31080 },
    ]);
    const calls = checkNamed('service-load-balancer').calls?.(view);
    expect(calls).toEqual([{ address: '192.168.121.200', port: 80 }]);
    const narrow = inventoryOf({
      network: 'cni: routed, proxy: nftables, nodePortAddresses: [192.168.121.12/32]',
    });
    expect(checkNamed('service-node-port').calls?.(viewOf(narrow))).toEqual([
      { address: '192.168.121.12', port: 31080 },
    ]);
  });

  it('passes by the answer of a probe only, and by one hardware address', () => {
    const call = { address: '192.168.121.200', port: 80, ...here, text };
    expect(judge('service-load-balancer', view, {}, [call])).toEqual({
      status: 'passed',
      looked:
        'HTTP to 192.168.121.200:80 of the pool edge, answered by probe-b on lab-2, ARP answered by 52:54:00:a8:79:0b',
    });
    const other = { ...call, text: '<h1>It works!</h1>' };
    expect(findings(judge('service-load-balancer', view, {}, [other]))[0]?.why).toContain(
      'something else answers',
    );
    const two = { ...call, neighbours: ['52:54:00:a8:79:0b', '52:54:00:a8:79:0c'] };
    expect(findings(judge('service-load-balancer', view, {}, [two]))[0]?.why).toContain(
      'strictARP',
    );
    expect(findings(judge('service-load-balancer', view, {}, []))[0]?.what).toContain('no address');
  });

  it('is never passed from a machine that is far away', () => {
    const call = {
      address: '192.168.121.200',
      port: 80,
      result: 'timeout',
      text: 'no answer in 5 s',
      segment: undefined,
      neighbours: undefined,
    } as const;
    for (const id of ['service-load-balancer', 'service-node-port']) {
      expect(judge(id, view, {}, [call])).toMatchObject({ status: 'skipped' });
    }
    const near = { ...call, segment: 'eth0' };
    expect(judge('service-node-port', view, {}, [near]).status).toBe('failed');
  });

  it('is not looked at without a pool', () => {
    expect(checkNamed('service-load-balancer').skip?.(viewOf())).toBe('the inventory has no pool');
  });
});

describe('conntrack', () => {
  const head =
    'entries  clashres found new invalid ignore delete chainlength insert insert_failed drop early_drop icmp_error  expect_new expect_create expect_delete search_restart\n';
  const row = (early: string): string =>
    `00000002  00000000 00000003 00000000 00000000 00000004 00000000 00000000 00000000 0000000a 00000001 ${early} 00000000  00000000 00000000 00000000 00000000\n`;

  it('says the numbers, summed up over processors', () => {
    const text = `count 120\nmax 1000000\n${head}${row('00000000')}${row('00000000')}`;
    expect(judge('conntrack', viewOf(), { 'lab-1': said(text) })).toEqual({
      status: 'passed',
      looked: 'lab-1 120 of 1000000 (drop 2, early_drop 0, insert_failed 20)',
    });
  });

  it('fails where the table is nearly full, or was full', () => {
    const full = said('count 800\nmax 1000\n');
    expect(findings(judge('conntrack', viewOf(), { a: full }))[0]?.what).toBe(
      'a: 800 of 1000 connections are in use',
    );
    const was = said(`count 1\nmax 1000\n${head}${row('0000001f')}`);
    expect(findings(judge('conntrack', viewOf(), { a: was }))[0]?.what).toContain('31 connections');
  });
});

test('a policy check says by name that nobody enforces them here', () => {
  const routed = viewOf(inventoryOf({ network: 'cni: routed, proxy: nftables' }));
  expect(checkNamed('policies').skip?.(routed)).toContain('routed');
  expect(checkNamed('policies').skip?.(viewOf())).toBe(
    'the pod that is to be guarded is not ready',
  );
});

test('leftovers are what the step would remove', () => {
  const view = viewOf(inventoryOf({ network: 'cni: routed, proxy: nftables' }));
  const clean = said('services 0\nend\n');
  const left = said('chains iptables-nft nat 12 3\ndevice\nservices 4\nend\n');
  expect(judge('proxy-leftovers', view, { a: clean })).toMatchObject({ status: 'passed' });
  expect(
    findings(judge('proxy-leftovers', view, { a: clean, b: left })).map(({ what }) => what),
  ).toEqual([
    'b: iptables-nft nat: delete (was 12 chains, 3 jumps)',
    'b: IPVS: delete (was 4 virtual services)',
    'b: interface kube-ipvs0: delete',
  ]);
});
