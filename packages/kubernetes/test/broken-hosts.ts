import type { NodeFacts } from '../src/index.ts';
import { changed, sound } from './marked-inventory.ts';

const good: NodeFacts = {
  kernel: '6.12.48+deb13-amd64',
  cgroup: 2,
  virtualization: 'kvm',
  interfaces: [{ name: 'eth0', mtu: 1500, addresses: [] }],
};

type FactsOf = Readonly<Record<string, Partial<NodeFacts>>>;

/** Facts of hosts by their names: those of a host that suits every cluster, with what is given. */
export function factsFrom(given: FactsOf): ReadonlyMap<string, NodeFacts> {
  return new Map(Object.entries(given).map(([host, facts]) => [host, { ...good, ...facts }]));
}

function link(address: string, mtu = 1500): Pick<NodeFacts, 'interfaces'> {
  return { interfaces: [{ name: 'eth0', mtu, addresses: [`${address}/24`] }] };
}

/** Each breaks one rule on one host, by its facts; `brief` is the rule and the host. */
export const onHosts: readonly (readonly [brief: string, text: string, facts: FactsOf])[] = [
  ['version-skew cp-1', sound, { 'cp-1': { kubernetes: { kubelet: 'v1.37.0' } } }],
  [
    'version-skew cp-2',
    sound,
    {
      'cp-2': { kubernetes: { kubelet: 'v1.34.4' } },
      'w-1': { kubernetes: { kubelet: 'v1.34.4' } },
    },
  ],
  [
    'version-skew w-1',
    sound,
    {
      'w-1': { kubernetes: { kubelet: 'v1.32.13' } },
      'cp-1': { kubernetes: { kubelet: 'v1.35.4' } },
    },
  ],
  ['containerd-too-old w-1', sound, { 'w-1': { containerd: '2.1.9' }, 'w-2': {} }],
  [
    'containerd-too-old w-1',
    changed(['1.36.3', '1.35.9']),
    { 'cp-1': { containerd: '1.7.28' }, 'w-1': { containerd: '1.7.27' } },
  ],
  ['pool-contains-interface w-1', sound, { 'w-1': link('10.20.1.5'), 'w-2': link('10.20.1.32') }],
  [
    'pool-contains-interface w-2',
    changed(['[10.20.1.0/27]', '[10.20.1.0/27, "fd00:20::10-fd00:20::20"]']),
    { 'w-2': { interfaces: [{ name: 'eth1', mtu: 1500, addresses: ['fd00:20::12/64'] }] } },
  ],
  ['node-network-overlap w-1', sound, { 'w-1': link('10.97.1.1') }],
  ['kernel-too-old w-1', sound, { 'w-1': { kernel: '5.10.0-30-amd64' }, 'w-2': {} }],
  [
    'kernel-too-old w-1',
    changed(['proxy: nftables', 'proxy: none']),
    { 'w-1': { kernel: '5.4.0-200-generic' }, 'w-2': { kernel: '5.10.0' } },
  ],
  ['cgroup-v1 w-1', sound, { 'w-1': { cgroup: 1 } }],
  [
    'xen-without-bpf w-2',
    changed(['proxy: nftables', 'proxy: none']),
    { 'w-2': { virtualization: 'xen' } },
  ],
  [
    'mtu-too-large w-1',
    changed(['cni: cilium', 'cni: { cilium: { routing: vxlan } }\n    mtu: 1480']),
    { 'w-1': link('10.20.0.21') },
  ],
  [
    'path-mtu-wrong w-1',
    changed(['proxy:', 'pathMtu: 9000\n    proxy:']),
    { 'w-1': link('10.20.0.21') },
  ],
  [
    'jumbo-not-everywhere w-2',
    sound,
    { 'w-1': link('10.20.0.21', 9000), 'w-2': link('10.20.0.22', 1500) },
  ],
  [
    'nodes-share-no-segment w-2',
    changed(['10.20.0.22', '10.20.9.22']),
    { 'w-1': link('10.20.0.21') },
  ],
];
