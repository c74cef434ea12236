import type { Sourced } from './entry.ts';

/** A component beside Kubernetes itself, in one version. */
export interface Component extends Sourced {
  readonly name: string;
  /** The version that Skerry takes where the inventory names none. */
  readonly version: string;
  /** The oldest kernel that it needs; undefined where Kubernetes' own minimum does. */
  readonly kernel?: string;
  /** Whether NetworkPolicies mean anything with it; only for CNIs. */
  readonly policies?: boolean;
  readonly note?: string;
}

/** CNIs, load balancers and DNS, in the version that Skerry takes by itself. */
export const components: readonly Component[] = [
  {
    name: 'cilium',
    version: '1.19.5',
    kernel: '5.10',
    policies: true,
    note: 'ran with Kubernetes 1.36.3 on two virtual machines',
    source: "Cilium's chart; Skerry's own lab",
    date: '2026-11-20',
  },
  {
    name: 'calico',
    version: '3.32.2',
    policies: true,
    note: '3.33 folds its images into one, which breaks mirrors and pins',
    source: 'docs.tigera.io, release notes and upgrade notes',
    date: '2026-10-15',
  },
  {
    name: 'flannel',
    version: '0.28.9',
    policies: false,
    source: 'github.com/flannel-io/flannel/releases',
    date: '2026-08-07',
  },
  {
    name: 'routed',
    version: '1.9.1',
    policies: false,
    note: 'the plain CNI plugins',
    source: 'github.com/containernetworking/plugins/releases',
    date: '2026-11-20',
  },
  {
    name: 'weave',
    version: '2.8.1',
    policies: true,
    note: 'archived 2024-06-20; a fork lives at rajch/weave',
    source: 'github.com/weaveworks/weave',
    date: '2024-06-20',
  },
  {
    name: 'metallb',
    version: '0.16.2',
    note: 'with its own, native BGP; frr-k8s is its usual backend since 0.16; ran in L2 with Kubernetes 1.36.3 on virtual machines',
    source: "metallb.io/release-notes; Go module go.universe.tf/metallb; Skerry's own lab",
    date: '2026-11-04',
  },
  {
    name: 'kube-vip',
    version: '1.2.3',
    note: 'needs super-admin.conf on the first control plane during init (Kubernetes 1.29 and later)',
    source: 'github.com/kube-vip/kube-vip/releases; kubernetes/kubeadm docs',
    date: '2026-08-10',
  },
  {
    name: 'coredns',
    version: '1.14.3',
    note: 'the one that kubeadm 1.37 brings',
    source: 'kubernetes CHANGELOG-1.37',
    date: '2026-10-15',
  },
  {
    name: 'node-local-dns',
    version: '1.26.4',
    source: 'kubernetes cluster/addons/dns/nodelocaldns/nodelocaldns.yaml',
    date: '2026-10-15',
  },
  {
    name: 'gateway-api',
    version: '1.6.1',
    source: 'github.com/kubernetes-sigs/gateway-api/releases',
    date: '2026-07-16',
  },
  {
    name: 'envoy-gateway',
    version: '1.9.0',
    note: 'made for Gateway API 1.6.1 and Kubernetes 1.33 to 1.36; maintained to 2027-02-14',
    source: 'gateway.envoyproxy.io/news/releases/matrix',
    date: '2026-08-15',
  },
  {
    name: 'containerd',
    version: '2.3.4',
    note: 'long-term support to 2028-04-30; 1.7 has none since September 2026',
    source: 'containerd RELEASES.md',
    date: '2026-10-15',
  },
];

export function componentOf(name: string): Component {
  const component = components.find((candidate) => candidate.name === name);
  if (component === undefined) throw new Error(`the matrix lacks ${name}`);
  return component;
}

/** The version of a component that the inventory asks for, or else the one that Skerry takes. */
export function versionOf(name: string, asked: string | undefined): string {
  return asked ?? componentOf(name).version;
}
