import { afterAll, beforeAll, describe, expect } from 'vitest';
import { beside, bootstrap, events } from '../machines.ts';
import { apply, destroy, inventoryWith, kubectl, long, pageFromOutside } from './cluster.ts';
import { startRouter, type Router } from './router.ts';
import { deployWeb, readyNodes } from './web.ts';

/** The lab's own address, the first of its network. */
const own = '192.168.121.1';

describe('MetalLB tells a real router by BGP', () => {
  const inventory = inventoryWith('bgp', ({ kubernetes }) => {
    kubernetes.loadBalancer = {
      metallb: {
        // Of no segment: nobody reaches it but by a route.
        pools: [
          { name: 'far', addresses: ['10.66.0.0/28'], advertise: 'bgp', communities: ['site'] },
        ],
        peers: [{ name: 'lab', address: own, asn: 64500, localAsn: 64512 }],
        communities: { site: '64512:100' },
      },
    };
  });
  let router: Router | undefined;

  beforeAll(async () => {
    if (process.env['SKERRY_LONG'] === undefined) return;
    // The network with the router's address is made with the machines.
    const { code, stdout, stderr } = await bootstrap('lab', 'up', inventory, '--yes');
    expect(code, stdout + stderr).toBe(0);
    router = await startRouter({
      address: own,
      asn: 64500,
      neighbours: '192.168.121.0/24',
      neighbourAsn: 64512,
    });
  });

  afterAll(async () => {
    await router?.[Symbol.asyncDispose]();
    await destroy(inventory);
  });

  const patiently = { timeout: 300_000, interval: 2000 };

  long('7. one apply, and the sessions of all speakers are Established', async () => {
    const applied = await apply(inventory);
    expect(applied.stdout).toMatch(/verified/i);
    expect(await readyNodes()).toEqual(['lab-1 v1.36.3', 'lab-2 v1.36.3']);
    expect(await router?.sessions()).toEqual(
      new Map([
        ['192.168.121.11', 'Established'],
        ['192.168.121.12', 'Established'],
      ]),
    );
  });

  long('7. the route to a Service arrives, and packets take it', async () => {
    const web = await deployWeb('default');
    expect(web.outside).toMatch(/^10\.66\.0\.\d+$/);
    const network = `${web.outside}/32`;
    // kubeadm keeps load balancers away from control planes (the label exclude-from-external-load-balancers).
    await expect.poll(() => router?.nextHops(network), patiently).toEqual(['192.168.121.12']);
    expect(await router?.route(network)).toContain('BGP.community: (64512,100)');
    const { stdout } = await beside('ip', 'route', 'get', web.outside);
    expect(stdout).toContain(`${web.outside} via 192.168.121.12 `);
    expect(await pageFromOutside(`http://${web.outside}/`)).toContain('lab-');

    // What is gone is told, too.
    await kubectl('delete service web');
    await expect.poll(() => router?.nextHops(network), patiently).toEqual([]);
  });

  long('7. verify says that the sessions are up, and when they are not', async () => {
    const bgp = async (): Promise<{ status: unknown; looked: unknown; told: string[] }> => {
      const all = events(await bootstrap('verify', inventory, '--json'));
      const found = all.find(({ check }) => check === 'bgp-sessions');
      const findings = (found?.['findings'] ?? []) as { what: string }[];
      const told = findings.map(({ what }) => what).toSorted();
      return { status: found?.['status'], looked: found?.['looked'], told };
    };
    const up = await bgp();
    expect(up).toMatchObject({ status: 'passed', told: [] });
    for (const machine of ['lab-1', 'lab-2']) {
      expect(up.looked).toContain(`${machine} – ${own} (AS 64500)`);
    }
    await router?.[Symbol.asyncDispose]();
    router = undefined;
    expect(await bgp()).toEqual({
      status: 'failed',
      looked: '0 sessions of 2',
      told: ['lab-1', 'lab-2'].map(
        (machine) => `${machine}: the session with ${own} (AS 64500) is not connected`,
      ),
    });
  });
});
