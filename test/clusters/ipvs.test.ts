import { afterAll, describe, expect, test } from 'vitest';
import { bootstrap, execsDuring, output } from '../machines.ts';
import {
  apply,
  destroy,
  inventoryWith,
  kubectl,
  long,
  plannedSteps,
  recapOf,
  runLogs,
  type Written,
} from './cluster.ts';
import { answersOutside, deployWeb, readyNodes, shows } from './web.ts';

/** NetworkPolicies are written, though nobody enforces them here. */
function withPolicies({ kubernetes }: Written): void {
  kubernetes.policies = { default: 'deny', namespaces: ['shop'], allow: ['dns'] };
}

function withThirdMachine({ groups }: Written): void {
  Object.assign(groups['workers']?.hosts ?? {}, { 'lab-3': { address: '192.168.121.13' } });
}

describe('kube-proxy in IPVS mode, routed pods, MetalLB', () => {
  const inventory = inventoryWith('ipvs', withPolicies);
  let web = { cluster: '', outside: '' };

  afterAll(() => destroy(inventory));

  test('1. before there is a cluster the plan shows kubeadm its configuration, and what waits for it', async () => {
    const up = await bootstrap('lab', 'up', inventory);
    expect(up.code, up.stdout + up.stderr).toBe(0);
    const planned = await bootstrap('plan', inventory, '--detailed-exitcode', '--json');
    expect(planned.code, planned.stdout + planned.stderr).toBe(2);
    const [first, worker] = ['lab-1', 'lab-2'].map((host) => plannedSteps(planned, host));

    const membership = first?.find(({ id }) => id === 'membership');
    expect(membership?.confidence).toEqual({ level: 'exact' });
    for (const kind of ['InitConfiguration', 'ClusterConfiguration', 'KubeProxyConfiguration']) {
      expect(membership?.text).toContain(`+kind: ${kind}\n`);
    }
    expect(membership?.text).toContain('+kubernetesVersion: v1.36.3\n');
    expect(membership?.text).toContain('+mode: ipvs\n');
    expect(worker?.find(({ id }) => id === 'membership')?.text).toContain('JoinConfiguration');

    const objects = first?.find(({ id }) => id === 'objects cluster');
    expect(objects?.confidence).toEqual({
      level: 'conditional',
      on: ['membership'],
      foreseen: true,
    });
    expect(objects?.text).toContain('IPAddressPool.metallb.io metallb-system/lab');
    expect(objects?.text).toContain('NetworkPolicy.networking.k8s.io shop/default-deny');
  });

  test('1. one apply takes fresh machines to a verified cluster', async () => {
    const applied = await apply(inventory);
    expect(applied.stdout).toMatch(/verified/i);
    expect(await readyNodes()).toEqual(['lab-1 v1.36.3', 'lab-2 v1.36.3']);
    // What the inventory says of kubelets stands in a file of its own: it is in force.
    for (const node of ['lab-1', 'lab-2']) {
      const running = await kubectl(`get --raw /api/v1/nodes/${node}/proxy/configz`);
      expect(running).toContain('"nodeStatusUpdateFrequency":"30s"');
    }
  });

  test('1. a Service answers: by IPVS on each node, and at an address of the pool from outside', async () => {
    web = await deployWeb('default');
    for (const machine of ['lab-1', 'lab-2']) {
      const [cluster, outside] = [`TCP  ${web.cluster}:80 rr`, `TCP  ${web.outside}:80 rr`];
      await shows(machine, 'ipvsadm -Ln', cluster, outside);
      await shows(machine, `curl -s --max-time 20 http://${web.cluster}/`, 'lab-');
    }
    expect(web.outside).toMatch(/^192\.168\.121\.2\d\d$/);
    await answersOutside(`http://${web.outside}/`);
  });

  test('1. the second apply changes nothing, with one exec per host', async () => {
    const execs = await execsDuring('lab-2', async () => {
      const again = await bootstrap('apply', inventory, '--yes', '--json');
      expect(again.code, again.stdout + again.stderr).toBe(0);
      expect(recapOf(again).size).toBe(2);
      for (const recap of recapOf(again).values()) {
        expect(recap).toMatchObject({ outcome: 'converged', changed: 0, execs: 1 });
      }
      // One kubectl get for all objects: they tell themselves that an apply would change nothing.
      expect(recapOf(again).get('lab-1')).toMatchObject({ apiCalls: 1 });
    });
    // `lab up`, which apply of a lab begins with, asks each machine once whether it answers.
    expect(execs).toBeLessThanOrEqual(2);
    const plan = await bootstrap('plan', inventory, '--detailed-exitcode');
    expect(plan.code, plan.stdout + plan.stderr).toBe(0);
    const policies = await kubectl('get networkpolicies -n shop -o name');
    expect(policies).toContain('networkpolicy.networking.k8s.io/default-deny');
  });

  test('4. a worker joins: it and one control plane are touched, nobody else', async () => {
    const more = inventoryWith('ipvs', (written) => {
      withPolicies(written);
      withThirdMachine(written);
    });
    const joined = await bootstrap('apply', more, '--yes', '--json');
    expect(joined.code, joined.stdout + joined.stderr).toBe(0);
    const recap = recapOf(joined);
    expect(recap.get('lab-2')).toMatchObject({ outcome: 'converged', changed: 0 });
    expect(recap.get('lab-3')).toMatchObject({ outcome: 'changed' });
    // The tokens that were made for it are told to nobody, and are not in the log of the run.
    const secrets = await kubectl(
      "get secrets -n kube-system --field-selector type=bootstrap.kubernetes.io/token -o jsonpath='{.items[*].data.token-secret}'",
    );
    const tokens = secrets.split(' ').map((text) => Buffer.from(text, 'base64').toString());
    expect(tokens[0]).toMatch(/^[a-z0-9]{16}$/);
    const told = [joined.stdout, joined.stderr, ...runLogs()];
    expect(tokens.filter((token) => told.some((text) => text.includes(token)))).toEqual([]);
    expect(await readyNodes()).toEqual(['lab-1 v1.36.3', 'lab-2 v1.36.3', 'lab-3 v1.36.3']);
    await shows('lab-3', `curl -s --max-time 20 http://${web.cluster}/`, 'lab-');
  });

  test('a node that is reset has nothing of Kubernetes left, and the cluster has no such node', async () => {
    const more = inventoryWith('ipvs', (written) => {
      withPolicies(written);
      withThirdMachine(written);
    });
    const before = await output('lab-3', 'cat /etc/ssh/sshd_config; ip -o link show dev eth0');
    const consent = ['--yes', '--cluster', 'lab-kubernetes'];
    const reset = await bootstrap('run', 'reset', more, '--limit', 'lab-3', ...consent);
    expect(reset.code, reset.stdout + reset.stderr).toBe(0);
    expect(await readyNodes()).toEqual(['lab-1 v1.36.3', 'lab-2 v1.36.3']);
    expect(await output('lab-3', 'ipvsadm -S -n')).toBe('');
    const rules = 'iptables-save; ip6tables-save; nft list tables; ip -o link show; ip route show';
    expect(await output('lab-3', rules)).not.toMatch(/KUBE|kube-|cni0|10\.244\./);
    const runs = 'ctr -n k8s.io containers ls -q';
    const kept = 'find /etc/kubernetes/pki /var/lib/cni /var/lib/kubelet -type f 2>/dev/null || :';
    expect(await output('lab-3', `${runs}; ${kept}`)).toBe('');
    expect(await output('lab-3', 'cat /etc/ssh/sshd_config; ip -o link show dev eth0')).toBe(
      before,
    );
    const again = await bootstrap('run', 'reset', more, '--limit', 'lab-3', ...consent);
    expect(again.stdout, again.stderr).toMatch(/nothing to do/i);
  });

  long(
    '2. from ipvs to nftables: the plan shows it, apply does it, nothing is left over',
    async () => {
      const switched = inventoryWith('ipvs', (written) => {
        withPolicies(written);
        withThirdMachine(written);
        written.kubernetes.network['proxy'] = 'nftables';
      });
      const plan = await bootstrap('plan', switched);
      expect(plan.stdout).toMatch(/-\s+mode: ipvs/);
      expect(plan.stdout).toMatch(/\+\s+mode: nftables/);
      await apply(switched);
      for (const machine of ['lab-1', 'lab-2', 'lab-3']) {
        await shows(machine, 'nft list table ip kube-proxy', web.cluster);
        expect(await output(machine, 'ipvsadm -Ln')).not.toContain('TCP');
        expect(await output(machine, 'ip link show kube-ipvs0 2>&1 || :')).toContain(
          'does not exist',
        );
        expect(await output(machine, 'iptables-save')).not.toContain('KUBE-SVC');
        await shows(machine, `curl -s --max-time 20 http://${web.cluster}/`, 'lab-');
      }
      await answersOutside(`http://${web.outside}/`);
      const again = await bootstrap('plan', switched, '--detailed-exitcode');
      expect(again.code, again.stdout + again.stderr).toBe(0);
    },
  );
});
