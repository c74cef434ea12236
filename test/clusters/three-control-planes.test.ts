import { afterAll, describe, expect } from 'vitest';
import { beside, bootstrap, cutPower, on, output } from '../machines.ts';
import { apply, destroy, inventoryWith, kubectl, long } from './cluster.ts';
import { readyNodes } from './web.ts';

const planes = ['lab-1', 'lab-2', 'lab-3'];
const endpoint = '192.168.121.10';

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

/** The machines of these that have the address of the API on an interface. */
async function holders(machines: readonly string[]): Promise<string[]> {
  const asked = machines.map(async (machine) => {
    const { code } = await on(machine, `ip -o address show | grep -qF ' ${endpoint}/32 '`);
    return code === 0 ? [machine] : [];
  });
  return (await Promise.all(asked)).flat();
}

/** What the API says of itself by the endpoint, to somebody outside of the cluster. */
async function apiByEndpoint(): Promise<string> {
  const url = `https://${endpoint}:6443/readyz`;
  return (await beside('curl', '-sk', '--max-time', '10', url)).stdout;
}

/** What is changed of it here. */
interface Kubeadm {
  ignorePreflightErrors?: string[];
  readonly extraArgs: {
    controllerManager: Record<string, string>;
    scheduler: Record<string, string>;
    readonly apiServer: Record<string, string>;
  };
  readonly kubelet: Record<string, unknown>;
  readonly patches: Record<
    'etcd' | 'kube-apiserver' | 'kube-controller-manager' | 'kube-scheduler',
    { readonly spec: { readonly containers: Record<string, unknown>[] } }
  >;
}

/** Minutes: three emulated machines on two processors, and control planes join one by one. */
const firstApply = 45;

describe('three control planes behind keepalived and haproxy', () => {
  const inventory = inventoryWith('three', ({ groups, kubernetes, lab }) => {
    const { 'control-plane': control } = groups;
    if (control === undefined) throw new Error('the inventory has no control plane');
    delete groups['workers'];
    for (const [index, machine] of planes.entries()) {
      const serial = `SKERRYETCD${index + 1}`;
      control.hosts[machine] = {
        address: `192.168.121.${11 + index}`,
        node: {
          disks: [{ serial, mount: '/var/lib/etcd', filesystem: 'ext4', label: 'etcd' }],
          etcdDisk: { path: '/var/lib/etcd', fsyncP99: 1000, size: 3 },
        },
      };
      lab.machines[machine] = { disks: [{ serial, size: 2, bus: 'nvme' }] };
    }
    kubernetes['endpoint'] = {
      address: endpoint,
      via: 'keepalived',
      // Nine checks of three API servers: each is a handshake on both of its ends.
      health: { interval: '20s', timeout: '20s' },
    };
    delete kubernetes.loadBalancer;
    // Each round of the verification asks three busy kubelets for minutes.
    kubernetes['verification'] = { patience: '15m' };
    // There are three of each now, and one of them has to be elected: without hurry.
    const slowly = {
      'leader-elect-lease-duration': '120s',
      'leader-elect-renew-deadline': '90s',
      'leader-elect-retry-period': '15s',
    };
    const kubeadm = kubernetes['kubeadm'] as Kubeadm;
    const { extraArgs, kubelet, patches } = kubeadm;
    extraArgs.controllerManager = { ...slowly, 'node-monitor-grace-period': '3m0s' };
    extraArgs.scheduler = slowly;
    // After two seconds without an answer of etcd an API server says that it is not ready, and
    // haproxy leads nobody to it: all three at once, where etcd is only slow.
    extraArgs.apiServer['etcd-readycheck-timeout'] = '20s';
    extraArgs.apiServer['etcd-healthcheck-timeout'] = '20s';
    // A third of what an idle kubelet does is asking containerd every second what runs.
    kubelet['featureGates'] = { EventedPLEG: true };
    // Three members that wait for each other: etcd before all who only wait for it, within one processor.
    const shares = {
      etcd: '500m',
      'kube-apiserver': '150m',
      'kube-controller-manager': '50m',
      'kube-scheduler': '50m',
    } as const;
    for (const name of Object.keys(shares) as (keyof typeof shares)[]) {
      for (const container of patches[name].spec.containers) {
        container['resources'] = { requests: { cpu: shares[name] } };
      }
    }
    // Six virtual processors on two are busy with telling each other of changed pages. kubeadm wants two.
    lab['cpus'] = 1;
    kubeadm.ignorePreflightErrors = ['NumCPU'];
    lab['memory'] = 2560;
    (lab['packages'] as string[]).push('haproxy', 'keepalived');
  });
  let holder = '';

  afterAll(() => destroy(inventory));

  long(
    '5. one apply: three nodes Ready, three members of etcd, one machine has the address',
    async () => {
      const applied = await apply(inventory, firstApply);
      expect(applied.stdout).toMatch(/verified/i);
      expect(await readyNodes()).toEqual(planes.map((machine) => `${machine} v1.36.3`));
      const members = await etcdHealth('lab-2');
      expect(members.map(({ health }) => health)).toEqual([true, true, true]);
      const having = await holders(planes);
      expect(having).toHaveLength(1);
      holder = having[0] ?? '';
      expect(await apiByEndpoint()).toBe('ok');
      const again = await bootstrap('plan', inventory, '--detailed-exitcode');
      expect(again.code, again.stdout + again.stderr).toBe(0);
    },
    firstApply * 2 * 60_000,
  );

  long(
    '5. the API answers by the endpoint after the machine that had it lost its power',
    async () => {
      const left = planes.filter((machine) => machine !== holder);
      const [survivor = ''] = left;
      const begin = Date.now();
      await cutPower(holder);
      await expect.poll(apiByEndpoint, { timeout: 600_000, interval: 1000 }).toBe('ok');
      const seconds = Math.round((Date.now() - begin) / 1000);
      console.log(`${holder} is off: ${seconds} s later the API answers by the endpoint`);
      expect(await holders(left)).toHaveLength(1);

      // admin.conf names the endpoint; what is written must reach two members of etcd.
      const config = await output(survivor, 'grep server: /etc/kubernetes/admin.conf');
      expect(config).toContain(`https://${endpoint}:6443`);
      await kubectl('create namespace written-after', survivor);
      expect(await kubectl('get namespace written-after -o name', left[1])).toBe(
        'namespace/written-after',
      );
      const members = await etcdHealth(survivor);
      const ill = members.filter(({ health }) => !health).map(({ endpoint: url }) => url);
      expect(members).toHaveLength(3);
      expect(ill).toEqual([`https://192.168.121.${11 + planes.indexOf(holder)}:2379`]);
    },
  );

  long('5. the cluster notices who is gone, and verify tells it', async () => {
    const survivor = planes.find((machine) => machine !== holder) ?? '';
    const ready = `get node ${holder} -o jsonpath='{.status.conditions[?(@.type=="Ready")].status}'`;
    await expect
      .poll(() => kubectl(ready, survivor), { timeout: 900_000, interval: 10_000 })
      .toBe('Unknown');
    const looked = await bootstrap('verify', inventory);
    expect(looked.code, looked.stdout + looked.stderr).toBe(3);
    expect(looked.stdout + looked.stderr).toContain(holder);
    expect(looked.stdout).toMatch(/FAILED\s+etcd-health/);
  });
});
