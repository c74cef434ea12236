import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { ProbeOutput, Verdict } from '@skerry/steps';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { canUseNamespaces, namespace } from '../../steps/test/harness/namespace.ts';
import { runFragment, shells, syntaxErrors } from '../../steps/test/harness/run-fragment.ts';
import { checks, clusterVerification } from '../src/index.ts';
import type { ClusterView, ProbePod } from '../src/verification/cluster-view.ts';
import { probeImage } from '../src/verification/probe-image.ts';
import { buildProbe, startProbe, withoutProgram } from './probe-program.ts';
import { segment, type Place } from './segment.ts';
import { checkNamed, findings, inventoryOf, judge, viewOf } from './verification-view.ts';

test('the README of the probe names the image that verify uses', () => {
  const readme = readFileSync(new URL('../../../images/probe/README.md', import.meta.url), 'utf8');
  expect(readme).toContain(`\`${probeImage}\``);
});

describe.skipIf(withoutProgram !== '')('the probe program', () => {
  it('passes its own tests', { timeout: 120_000 }, () => {
    const folder = new URL('../../../images/probe', import.meta.url).pathname;
    expect(execFileSync('go', ['test', './...'], { cwd: folder, encoding: 'utf8' })).toMatch(/^ok/);
  });
});

const pod = (node: string, address: string): ProbePod => ({
  name: `probe-${process.pid}-${node}`,
  node: `lab-${node}`,
  address,
});

/** A node with two pods, which are two nodes to the checks: packets between them are forwarded. */
describe.skipIf(withoutProgram !== '')('checks with probes, for real', () => {
  const stack = new AsyncDisposableStack();
  const [a, b] = [pod('1', '10.244.1.5'), pod('2', '10.244.2.7')];
  let node: Place;
  const view: ClusterView = viewOf(inventoryOf(), {
    probes: new Map([a, b].map((one) => [one.node, one])),
    guarded: b,
    services: viewOf().services.map((service) =>
      service.name === 'probe'
        ? { ...service, ports: service.ports.map((port) => ({ ...port, port: 8080 })) }
        : service,
    ),
  });

  /** What each of the two says to a check. */
  const asked = async (id: string, nodes = ['lab-1', 'lab-2']): Promise<Verdict> => {
    const answers: Record<string, ProbeOutput> = {};
    for (const host of nodes) {
      const fragment = checkNamed(id).fragment?.(view, host);
      if (fragment === undefined) throw new Error(`${id} asks nothing of ${host}`);
      answers[host] = await runFragment('dash', fragment, { inside: node.inside });
    }
    return judge(id, view, answers);
  };

  beforeAll(async () => {
    const { root, remove } = buildProbe();
    stack.defer(remove);
    const lan = stack.use(await segment());
    node = await lan.node('192.168.121.11');
    for (const [index, { name, address }] of [a, b].entries()) {
      const place = await lan.pod();
      await node.run(
        `ip link add "$1" type veth peer name eth0 netns "$2"
         ip addr add "\${3%.*}.1/24" dev "$1" && ip link set "$1" up
         nsenter -t "$2" -n ip addr add "$3/24" dev eth0
         nsenter -t "$2" -n ip link set eth0 up
         nsenter -t "$2" -n ip route add default via "\${3%.*}.1"`,
        `pod${index}`,
        place.pid,
        address,
      );
      if (index === 1) await place.run('ip addr add 10.96.77.7/32 dev lo');
      stack.use(await startProbe(root, name, place.inside));
    }
    await node.run('ip route add 10.96.77.7 via 10.244.2.7');
  }, 120_000);
  afterAll(() => stack.disposeAsync());

  it('whole packets pass between pods', async () => {
    expect(await asked('pod-to-pod')).toEqual({
      status: 'passed',
      looked: '2 paths between pods, 1500 bytes whole',
    });
  });

  it('a Service answers pods and nodes', async () => {
    expect(await asked('service-from-pods')).toMatchObject({ status: 'passed' });
    expect(await asked('service-from-nodes')).toMatchObject({ status: 'passed' });
  });

  it('what is denied and answers all the same is a finding', async () => {
    const found = findings(await asked('policies'));
    expect(found.map(({ what }) => what)).toEqual([
      'from a pod of lab-1: 10.244.2.7:8081 is denied, and it answers',
      'from a pod of lab-2: 10.244.2.7:8081 is denied, and it answers',
    ]);
  });

  it('a denial that is one passes, by whoever it is enforced', async () => {
    // The pod itself is reached over loopback, where the node enforces nothing.
    await node.run(`nft add table ip deny
      nft add chain ip deny forward '{ type filter hook forward priority 0; }'
      nft add rule ip deny forward ip daddr 10.244.2.7 tcp dport 8081 drop`);
    const found = findings(await asked('policies'));
    expect(found.map(({ what }) => what)).toEqual([
      'from a pod of lab-2: 10.244.2.7:8081 is denied, and it answers',
    ]);
    await node.run('nft delete table ip deny');
  });

  it('a way that is too narrow is found, with the size that passes', async () => {
    await node.run('ip link set pod1 mtu 1400');
    // The other way nobody says that a packet was dropped, which takes longer: the program's own test.
    const found = findings(await asked('pod-to-pod', ['lab-1']));
    expect(found.map(({ what }) => what)).toEqual([
      'from a pod of lab-1 to lab-2 (10.244.2.7) only 1400 of 1500 bytes pass',
    ]);
  });

  it('a probe that is not there is a finding, not a pass', async () => {
    const gone = { ...a, name: 'probe-that-has-gone' };
    const view: ClusterView = {
      ...viewOf(),
      probes: new Map([
        [a.node, gone],
        [b.node, b],
      ]),
    };
    const fragment = checkNamed('pod-to-pod').fragment?.(view, 'lab-1');
    if (fragment === undefined) throw new Error('nothing is asked');
    const output = await runFragment('dash', fragment, { inside: node.inside });
    expect(findings(judge('pod-to-pod', view, { 'lab-1': output }))).toEqual([
      {
        what: 'lab-1: the probe could not be run',
        why: 'no process of the pod probe-that-has-gone is on this node',
      },
    ]);
  });
});

describe.skipIf(!canUseNamespaces)('certificates, for real', () => {
  it('are read as they lie on the node, and no key with them', async () => {
    await using place = await namespace();
    const { code, stdout, stderr } = await runFragment(
      'bash',
      {
        code: `set -e
mkdir -p /etc/kubernetes/pki/etcd /var/lib/kubelet/pki
make() { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out "$1.crt" -days "$2" -subj "/CN=x" 2>/dev/null; }
cd /etc/kubernetes/pki
make ca 3650; make apiserver 365; make etcd/server 5
cd /tmp/skerry-test
make client 100
cat client.crt client.key >/var/lib/kubelet/pki/kubelet-client-current.pem
printf 'users:\\n- name: admin\\n  user:\\n    client-certificate-data: %s\\n    client-key-data: c2VjcmV0\\n' "$(base64 -w0 client.crt)" >/etc/kubernetes/admin.conf`,
        args: [],
      },
      { inside: place.inside },
    );
    expect(`${code}${stdout}${stderr}`).toBe('0');
    const view = viewOf(undefined, { now: Date.now() });
    const fragment = checkNamed('certificates').fragment?.(view, 'lab-1');
    if (fragment === undefined) throw new Error('nothing is asked');
    for (const shell of shells) {
      const output = await runFragment(shell, fragment, { inside: place.inside });
      expect(output.stdout).not.toMatch(/PRIVATE|c2VjcmV0|secret/);
      const verdict = judge('certificates', view, { 'lab-1': output });
      expect(findings(verdict).map(({ what }) => what)).toEqual([
        'lab-1: /etc/kubernetes/pki/etcd/server.crt runs out in 4 days',
      ]);
      expect(verdict).toHaveProperty('looked', expect.stringContaining('5 certificates on 1 node'));
    }
  });

  it('and without any, that is a finding', async () => {
    await using place = await namespace();
    const fragment = checkNamed('certificates').fragment?.(viewOf(), 'lab-1');
    if (fragment === undefined) throw new Error('nothing is asked');
    const output = await runFragment('dash', fragment, { inside: place.inside });
    expect(judge('certificates', viewOf(), { 'lab-1': output }).status).toBe('failed');
  });
});

describe.skipIf(!canUseNamespaces)('conntrack, for real', () => {
  it.each(shells)('reads the kernel’s own numbers under %s', async (shell) => {
    await using place = await namespace();
    const fragment = checkNamed('conntrack').fragment?.(viewOf(), 'lab-1');
    if (fragment === undefined) throw new Error('nothing is asked');
    const output = await runFragment(shell, fragment, { inside: place.inside });
    const verdict = judge('conntrack', viewOf(), { 'lab-1': output });
    expect(verdict).toMatchObject({ status: 'passed' });
    expect(verdict).toHaveProperty('looked', expect.stringMatching(/^lab-1 \d+ of \d+ \(drop \d+/));
  });
});

describe('every fragment of a verification', () => {
  const verification = clusterVerification(inventoryOf());
  const view = viewOf(undefined, { guarded: pod('2', '10.244.2.7') });
  const fragments = [
    ['setUp', verification?.setUp],
    ['read', verification?.read],
    ['tearDown', verification?.tearDown],
    ...checks.map((check) => [check.id, check.fragment?.(view, 'lab-1')] as const),
  ].filter(([, fragment]) => fragment !== undefined) as [
    string,
    { code: string; args: unknown[] },
  ][];

  it.each(fragments)('%s is sh, and holds no value', async (_name, { code, args }) => {
    for (const shell of shells) expect(await syntaxErrors(shell, code)).toBe('');
    for (const value of args) {
      if (typeof value === 'string' && value.length > 5) expect(code).not.toContain(value);
    }
  });
});
