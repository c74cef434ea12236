import { afterAll, describe } from 'vitest';
import { destroy, inventoryWith, long } from './cluster.ts';
import { testThreeControlPlanes } from './control-planes.ts';

const addresses = {
  'lab-1': '192.168.121.11',
  'lab-2': '192.168.121.12',
  'lab-3': '192.168.121.13',
};
const endpoint = '192.168.121.10';

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

describe('three control planes behind keepalived and haproxy', () => {
  const inventory = inventoryWith('three', ({ groups, kubernetes, lab }) => {
    const { 'control-plane': control } = groups;
    if (control === undefined) throw new Error('the inventory has no control plane');
    delete groups['workers'];
    for (const [index, [machine, address]] of Object.entries(addresses).entries()) {
      const serial = `SKERRYETCD${index + 1}`;
      control.hosts[machine] = {
        address,
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

  afterAll(() => destroy(inventory));

  testThreeControlPlanes({
    inventory: () => inventory,
    addresses,
    endpoint,
    tests: long,
    // Three emulated machines on two processors, and control planes join one by one.
    minutes: 45,
  });
});
