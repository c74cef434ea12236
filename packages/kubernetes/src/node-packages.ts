import type { Host, Inventory } from '@skerry/inventory';

type Family = 'debian' | 'redhat' | '';

/**
 * What kubelet, kubeadm and kube-proxy call on a node (kubernetes/kubernetes
 * cmd/kubeadm/app/preflight/checks.go) and what an operator looks with, by the names of the family.
 */
const tools: Readonly<Record<Exclude<Family, ''>, readonly string[]>> = {
  debian: [
    'conntrack',
    'ethtool',
    'iproute2',
    'iptables',
    'kmod',
    'nftables',
    'socat',
    'util-linux',
  ],
  redhat: [
    'conntrack-tools',
    'ethtool',
    'iproute',
    'iptables-nft',
    'kmod',
    'nftables',
    'socat',
    'util-linux',
  ],
};

const filesystemTools = { ext4: 'e2fsprogs', xfs: 'xfsprogs' } as const;

/** What of a host's facts decides about its packages. */
export interface PackageFacts {
  readonly family: Family;
  /** The time daemon that is there, or '' for the family's own. */
  readonly timeDaemon: string;
}

/** keepalived and haproxy, and what asks haproxy on its socket. */
const endpointPackages = ['haproxy', 'keepalived', 'socat'];

/** All packages of the distribution that the runbooks install on a host, by the step that does it. */
export function hostPackages(
  { kubernetes }: Inventory,
  { node, roles }: Host,
  { family, timeDaemon }: PackageFacts,
): {
  readonly tools: readonly string[];
  readonly runtime: readonly string[];
  readonly endpoint: readonly string[];
} {
  const tools = nodePackages({
    family,
    proxy: kubernetes.network.proxy,
    filesystems: node.disks.map((disk) => disk.filesystem),
    fio: node.etcdDisk !== undefined,
    timeDaemon,
    extra: node.packages,
  });
  const runtime = [node.containerd.package ?? containerdPackage(family)];
  const moves = kubernetes.endpoint?.via === 'keepalived' && roles.includes('control-plane');
  return { tools, runtime, endpoint: moves ? endpointPackages : [] };
}

/** Names of packages of a node, in order and once each. An unknown family counts as Debian. */
export function nodePackages(options: {
  readonly family: Family;
  readonly proxy: string;
  readonly filesystems: readonly ('ext4' | 'xfs')[];
  /** fio, for the gate on fsync. */
  readonly fio: boolean;
  /** The time daemon that is there, or '' for the family's own. */
  readonly timeDaemon: string;
  readonly extra: readonly string[];
}): string[] {
  const family = options.family === 'redhat' ? 'redhat' : 'debian';
  const usual = family === 'redhat' ? 'chrony' : 'systemd-timesyncd';
  return [
    ...new Set([
      ...tools[family],
      ...(options.proxy === 'ipvs' ? ['ipset', 'ipvsadm'] : []),
      ...options.filesystems.map((type) => filesystemTools[type]),
      ...(options.fio ? ['fio'] : []),
      options.timeDaemon === '' ? usual : options.timeDaemon,
      ...options.extra,
    ]),
  ];
}

/** containerd as the family calls it; RHEL-like distributions have it only from a further repository. */
function containerdPackage(family: Family): string {
  return family === 'redhat' ? 'containerd.io' : 'containerd';
}
