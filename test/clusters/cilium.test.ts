import { afterAll, describe, expect, test } from 'vitest';
import { beside, bootstrap, output } from '../machines.ts';
import { apply, destroy, inventoryWith, kubectl, type Written } from './cluster.ts';
import { answersOutside, deployWeb, probePod, readyNodes, shows } from './web.ts';

describe('Cilium in place of kube-proxy', () => {
  const change = ({ kubernetes }: Written): void => {
    kubernetes.policies = {
      default: 'deny',
      namespaces: ['shop'],
      allow: ['dns', { to: 'app=web', from: 'app=friend', ports: [8080] }],
    };
  };
  const inventory = inventoryWith('cilium', change, 'lab-cilium.yaml');

  afterAll(() => destroy(inventory));

  test('3. one apply: nodes are Ready, and there is no kube-proxy', async () => {
    await apply(inventory, 28);
    expect(await readyNodes()).toEqual(['lab-1 v1.36.3', 'lab-2 v1.36.3']);
    expect(await kubectl('get daemonsets -n kube-system -o name')).toBe('daemonset.apps/cilium');
    for (const machine of ['lab-1', 'lab-2']) {
      expect(await output(machine, 'iptables-save')).not.toContain('KUBE-SVC');
      expect(await output(machine, 'pgrep -x kube-proxy || echo none')).toBe('none');
    }
  });

  test('3. a Service answers a pod, a node and the outside', async () => {
    const web = await deployWeb('default');
    await probePod('default', 'client', 'lab-1');
    const http = `dial http ${web.cluster}:80 --timeout 20s --within 120s`;
    expect(await kubectl(`exec client -- /probe ${http}`)).toContain('lab-');
    for (const machine of ['lab-1', 'lab-2']) {
      await shows(machine, `curl -s --max-time 20 http://${web.cluster}/`, 'lab-');
    }
    await answersOutside(`http://${web.outside}/`);
    const port = await kubectl("get service web -o jsonpath='{.spec.ports[0].nodePort}'");
    await answersOutside(`http://192.168.121.12:${port}/`);
    const neighbour = await beside('ip', 'neigh', 'show', web.outside);
    expect(neighbour.stdout.trim().split('\n')).toHaveLength(1);
  });

  test('3. default deny blocks across nodes; DNS and the allowed path work; Hubble saw it', async () => {
    const web = await deployWeb('shop');
    await probePod('shop', 'friend', 'lab-1', { app: 'friend' });
    await probePod('shop', 'stranger', 'lab-1', { app: 'stranger' });
    const far = await kubectl(
      "get pods -n shop -l app=web --field-selector spec.nodeName=lab-2 -o jsonpath='{.items[0].status.podIP}'",
    );
    const dial = (pod: string, target: string): Promise<string> =>
      kubectl(
        `exec -n shop ${pod} -- /probe dial http ${target} --timeout 10s || echo "status $?"`,
      );
    expect(await dial('friend', `${far}:8080`)).toContain('lab-2');
    expect(await dial('friend', `${web.cluster}:80`)).toContain('lab-');
    expect(await dial('stranger', `${far}:8080`)).toMatch(/status \d+$/);
    for (const proto of ['udp', 'tcp']) {
      const names = `dns web.shop.svc.cluster.local --server 10.96.0.10 --proto ${proto} --timeout 10s`;
      expect(await kubectl(`exec -n shop stranger -- /probe ${names}`)).toContain(web.cluster);
    }
    // The stranger may not even begin to talk: its own node drops it.
    const agent = await kubectl(
      'get pods -n kube-system -l k8s-app=cilium --field-selector spec.nodeName=lab-1 -o name',
    );
    const flows = await kubectl(
      `exec -n kube-system ${agent} -c cilium-agent -- hubble observe --namespace shop --verdict DROPPED --last 50`,
    );
    expect(flows).toContain('shop/stranger');
  });

  test('3. the second apply changes nothing', async () => {
    const again = await bootstrap('apply', inventory, '--yes');
    expect(again.code, again.stdout + again.stderr).toBe(0);
    expect(again.stdout).toMatch(/nothing to do/i);
  });
});
