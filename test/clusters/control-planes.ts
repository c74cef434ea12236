import { expect, type test } from 'vitest';
import { beside, bootstrap, cutPower, output } from '../machines.ts';
import { apply, kubectl } from './cluster.ts';
import { readyNodes } from './web.ts';

/** One member of etcd, as `etcdctl endpoint health --write-out=json` tells it. */
interface Member {
  readonly endpoint: string;
  readonly health: boolean;
}

/** What all members of etcd say of themselves, asked from inside the etcd of a machine. */
async function etcdHealth(machine: string): Promise<Member[]> {
  const keys = '/etc/kubernetes/pki/etcd';
  const etcdctl = [
    `etcdctl --endpoints=https://127.0.0.1:2379 --command-timeout=30s --cacert=${keys}/ca.crt`,
    `--cert=${keys}/healthcheck-client.crt --key=${keys}/healthcheck-client.key`,
    'endpoint health --cluster --write-out=json',
  ].join(' ');
  // It exits with 1 where a member is ill, and its JSON says which.
  const told = await kubectl(`exec -n kube-system etcd-${machine} -- ${etcdctl} || :`, machine);
  const line = told.split('\n').find((text) => text.startsWith('[')) ?? '[]';
  return JSON.parse(line) as Member[];
}

/** Three control planes behind an endpoint, and nothing else. */
export interface ThreeControlPlanes {
  readonly inventory: () => string;
  /** Of the control planes. */
  readonly addresses: Readonly<Record<string, string>>;
  readonly endpoint: string;
  /** The address is somebody else's, and on none of them; else one of them has it. */
  readonly external?: true;
  /** `test`, or one that is skipped. */
  readonly tests: typeof test | ReturnType<typeof test.skipIf>;
  /** Minutes that the first apply may take. */
  readonly minutes: number;
}

/** What must hold of them on any machines: they come up, and the endpoint survives one that loses its power. */
export function testThreeControlPlanes(given: ThreeControlPlanes): void {
  const { addresses, endpoint, external, tests, minutes, inventory } = given;
  const having = external === true ? 0 : 1;
  const planes = Object.keys(addresses);
  /** Who loses its power: the one with the address, where one has it. */
  let holder = '';

  /** The machines of these that have the address of the API on an interface. */
  const holders = async (machines: readonly string[]): Promise<string[]> => {
    const asked = machines.map(async (machine) => {
      const addressesOf = await output(machine, 'ip -o address show');
      return addressesOf.includes(` ${endpoint}/`) ? [machine] : [];
    });
    return (await Promise.all(asked)).flat();
  };
  /** What the API says of itself by the endpoint, to somebody outside of the cluster. */
  const apiByEndpoint = async (): Promise<string> => {
    const url = `https://${endpoint}:6443/readyz`;
    return (await beside('curl', '-sk', '--max-time', '10', url)).stdout;
  };

  tests(
    `5. one apply: three nodes Ready, three members of etcd, ${having} of them has the address`,
    async () => {
      const applied = await apply(inventory(), minutes);
      expect(applied.stdout).toMatch(/verified/i);
      expect(await readyNodes()).toEqual(planes.map((machine) => `${machine} v1.36.3`));
      const members = await etcdHealth('lab-2');
      expect(members.map(({ health }) => health)).toEqual([true, true, true]);
      const holding = await holders(planes);
      expect(holding).toHaveLength(having);
      holder = holding[0] ?? 'lab-1';
      expect(await apiByEndpoint()).toBe('ok');
      const again = await bootstrap('plan', inventory(), '--detailed-exitcode');
      expect(again.code, again.stdout + again.stderr).toBe(0);
    },
    minutes * 2 * 60_000,
  );

  tests('5. the API answers by the endpoint after one of them lost its power', async () => {
    const left = planes.filter((machine) => machine !== holder);
    const [survivor = ''] = left;
    const begin = Date.now();
    await cutPower(holder);
    await expect.poll(apiByEndpoint, { timeout: 600_000, interval: 1000 }).toBe('ok');
    const seconds = Math.round((Date.now() - begin) / 1000);
    console.log(`${holder} is off: ${seconds} s later the API answers by the endpoint`);
    expect(await holders(left)).toHaveLength(having);

    // admin.conf names the endpoint; what is written must reach two members of etcd.
    const config = await output(survivor, 'grep server: /etc/kubernetes/admin.conf');
    expect(config).toContain(`https://${endpoint}:6443`);
    // They may still be choosing a leader.
    const write = (): Promise<string> =>
      kubectl('create namespace written-after', survivor).catch(String);
    const written = /namespace\/written-after created|"written-after" already exists/;
    await expect.poll(write, { timeout: 300_000, interval: 1000 }).toMatch(written);
    expect(await kubectl('get namespace written-after -o name', left[1])).toBe(
      'namespace/written-after',
    );
    const members = await etcdHealth(survivor);
    const ill = members.filter(({ health }) => !health).map(({ endpoint: url }) => url);
    expect(members).toHaveLength(3);
    expect(ill).toEqual([`https://${addresses[holder]}:2379`]);
  });

  tests('5. the cluster notices who is gone, and verify tells it', async () => {
    const survivor = planes.find((machine) => machine !== holder) ?? '';
    const ready = `get node ${holder} -o jsonpath='{.status.conditions[?(@.type=="Ready")].status}'`;
    await expect
      .poll(() => kubectl(ready, survivor), { timeout: 900_000, interval: 10_000 })
      .toBe('Unknown');
    const looked = await bootstrap('verify', inventory());
    expect(looked.code, looked.stdout + looked.stderr).toBe(3);
    expect(looked.stdout + looked.stderr).toContain(holder);
    expect(looked.stdout).toMatch(/FAILED\s+etcd-health/);
  });
}
