import { readFileSync } from 'node:fs';
import { afterAll, describe, expect } from 'vitest';
import { bootstrap, output } from '../machines.ts';
import { apply, destroy, inventoryWith, kubectl, long } from './cluster.ts';
import { deployWeb, probePod, readyNodes } from './web.ts';

/** Outer Ethernet, IPv4, UDP and VXLAN headers (RFC 7348). */
const vxlan = 50;

async function mtuOf(machine: string, device: string): Promise<number> {
  return Number(await output(machine, `cat /sys/class/net/${device}/mtu`));
}

describe('Flannel with VXLAN', () => {
  const inventory = inventoryWith('flannel', ({ kubernetes }) => {
    kubernetes.network['proxy'] = 'nftables';
    kubernetes.network['cni'] = { flannel: { backend: 'vxlan' } };
    delete kubernetes.network['ipvs'];
  });

  afterAll(() => destroy(inventory));

  long(
    '6. policies beside it are refused, with their line, before any machine is there',
    async () => {
      const denying = inventoryWith('flannel-policies', ({ kubernetes }) => {
        kubernetes.network['cni'] = 'flannel';
        kubernetes.policies = { default: 'deny', allow: ['dns'] };
      });
      const lines = readFileSync(denying, 'utf8').split('\n');
      const line = lines.findIndex((text) => text === '  policies:') + 1;
      for (const command of [['check'], ['plan'], ['apply', '--yes']]) {
        const [name = '', ...options] = command;
        const { code, stdout, stderr } = await bootstrap(name, denying, ...options);
        const told = stdout + stderr;
        expect(code, told).toBe(1);
        expect(told).toContain('flannel enforces no NetworkPolicy  [policies-not-enforced]');
        expect(told).toMatch(new RegExp(`flannel-policies\\.yaml:${line}:\\d+`));
      }
      const status = await bootstrap('lab', 'status', denying);
      expect(status.stdout).not.toContain('running');
    },
  );

  long('6. one apply takes fresh machines to a verified cluster', async () => {
    const applied = await apply(inventory);
    expect(applied.stdout).toMatch(/verified/i);
    expect(await readyNodes()).toEqual(['lab-1 v1.36.3', 'lab-2 v1.36.3']);
    const again = await bootstrap('plan', inventory, '--detailed-exitcode');
    expect(again.code, again.stdout + again.stderr).toBe(0);
  });

  long('6. pods have what VXLAN leaves of the path: 1450 bytes of 1500', async () => {
    await probePod('default', 'near', 'lab-1');
    await probePod('default', 'far', 'lab-2');
    const address = (pod: string): Promise<string> =>
      kubectl(`get pod ${pod} -o jsonpath='{.status.podIP}'`);
    const [near, far] = [await address('near'), await address('far')];
    // That of the lab is what its computer's own way out leaves it, 1500 or less.
    const path = await mtuOf(
      'lab-1',
      "$(ip -o route get 192.168.121.12 | grep -o 'dev [^ ]*' | cut -c5-)",
    );
    for (const machine of ['lab-1', 'lab-2']) {
      expect(await mtuOf(machine, 'flannel.1')).toBe(path - vxlan);
      expect(await mtuOf(machine, 'cni0')).toBe(path - vxlan);
    }
    // Datagrams that must not be fragmented, there and back; their sizes are with the IP header.
    for (const [pod, other] of [
      ['near', far],
      ['far', near],
    ] as const) {
      const probe = (size: number): Promise<string> =>
        kubectl(
          `exec ${pod} -- /probe mtu ${other}:8081 --size ${size} --timeout 10s --within 120s || :`,
        );
      const passed = path - vxlan;
      expect(JSON.parse(await probe(passed))).toMatchObject({ result: 'answered', passed });
      expect(JSON.parse(await probe(path))).toMatchObject({ result: 'smaller', passed });
    }
    // What left the node was VXLAN: its counters have moved.
    const sent = await output('lab-1', 'cat /sys/class/net/flannel.1/statistics/tx_packets');
    expect(Number(sent)).toBeGreaterThan(0);
  });

  long('6. a Service answers pods and nodes through the tunnel', async () => {
    const web = await deployWeb('default');
    const http = `dial http ${web.cluster}:80 --timeout 20s --within 120s`;
    expect(await kubectl(`exec near -- /probe ${http}`)).toContain('lab-');
    for (const machine of ['lab-1', 'lab-2']) {
      const page = await output(machine, `curl -s --max-time 20 http://${web.cluster}/`);
      expect(page).toContain('lab-');
    }
  });
});
