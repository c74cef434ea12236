import type { Host, Inventory } from '@skerry/inventory';
import { isIP } from 'node:net';
import type { KubernetesObject } from '../objects/kubernetes-object.ts';
import { clusterDns } from './cluster-dns.ts';
import { apiServerPort, controlPlaneEndpoint, controlPlanesOf } from './endpoint.ts';
import { isSharedControlPlane } from './shared-control-plane.ts';

const api = 'kubeadm.k8s.io/v1beta4';

/** Where a node has the patches of kubeadm. */
export const patchesFolder = '/etc/kubernetes/patches';

/** Drop-in files of the kubelet: each ends in `.conf`, and sets over what kubeadm gave it. */
export const kubeletConfigFolder = '/etc/kubernetes/kubelet.conf.d';

const controlPlaneTaint = { key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' };

/** Where etcd keeps its data, on every control plane. */
const etcdFolder = '/var/lib/etcd';

const part = (name: string, value: KubernetesObject): KubernetesObject =>
  Object.keys(value).length === 0 ? {} : { [name]: value };

const flags = (given: Readonly<Record<string, string>>): KubernetesObject => {
  const extraArgs = Object.entries(given).map(([name, value]) => ({ name, value }));
  return extraArgs.length === 0 ? {} : { extraArgs };
};

/** What a control plane makes for a node that joins; tokens of secrets, never their values. */
export interface JoinFacts {
  /** `abcdef.0123456789abcdef`. */
  readonly token: string;
  /** 32 bytes in hex, with which the certificates of control planes are sealed. */
  readonly certificateKey: string;
  /** `sha256:…` of the public key of the cluster's CA. */
  readonly caCertHashes: readonly string[];
}

/** Under `cni: routed` each node's block follows from its address, and nobody else gives out blocks. */
function nodeBlocks({ cni }: Inventory['kubernetes']['network']): Readonly<Record<string, string>> {
  return cni?.name === 'routed' ? { 'allocate-node-cidrs': 'false' } : {};
}

/**
 * What kubeadm keeps of the cluster. It is uploaded at init and not read from here again: whoever
 * changes it has to upload it and to roll out what follows from it.
 */
export function clusterConfiguration(inventory: Inventory): KubernetesObject {
  const { kubernetes, cluster } = inventory;
  const { network, dns, endpoint, version, kubeadm } = kubernetes;
  const { extraArgs, encryptionAlgorithm } = kubeadm;
  const names = controlPlanesOf(inventory).flatMap(({ name, address }) => [name, address]);
  const own = endpoint === undefined ? [] : [endpoint.address];
  return {
    apiVersion: api,
    kind: 'ClusterConfiguration',
    clusterName: cluster.name,
    kubernetesVersion: `v${version}`,
    controlPlaneEndpoint: controlPlaneEndpoint(inventory),
    networking: {
      dnsDomain: dns.domain,
      podSubnet: network.pods.join(','),
      serviceSubnet: network.services.join(','),
    },
    apiServer: {
      certSANs: [...new Set([...own, ...names, ...kubeadm.certSANs])],
      ...flags(extraArgs.apiServer),
    },
    ...part('controllerManager', flags({ ...nodeBlocks(network), ...extraArgs.controllerManager })),
    ...part('scheduler', flags(extraArgs.scheduler)),
    ...(encryptionAlgorithm === undefined ? {} : { encryptionAlgorithm }),
    etcd: { local: { dataDir: etcdFolder, ...flags(extraArgs.etcd) } },
    proxy: { disabled: network.proxy === 'none' },
  };
}

/** Domains whose labels a kubelet may not give itself (NodeRestriction), but for these. */
const reserved = /(^|\.)(kubernetes|k8s)\.io\//;
const ownLabels =
  /^((node|kubelet)\.kubernetes\.io\/|topology\.kubernetes\.io\/(region|zone)$|node\.kubernetes\.io\/instance-type$)/;

function nodeRegistration(inventory: Inventory, host: Host): KubernetesObject {
  const { name, address, node, roles } = host;
  const labels = Object.entries(node.labels)
    .filter(([key]) => !reserved.test(key) || ownLabels.test(key))
    .map(([key, value]) => `${key}=${value}`);
  const ignored = [
    ...(node.swap ? ['Swap'] : []),
    ...inventory.kubernetes.kubeadm.ignorePreflightErrors,
  ];
  const control = roles.includes('control-plane');
  const shared = isSharedControlPlane(inventory, host);
  const own = control && !shared ? [controlPlaneTaint] : [];
  return {
    name,
    criSocket: 'unix:///run/containerd/containerd.sock',
    imagePullPolicy: 'IfNotPresent',
    kubeletExtraArgs: [
      ...(isIP(address) === 0 ? [] : [{ name: 'node-ip', value: address }]),
      { name: 'config-dir', value: kubeletConfigFolder },
      ...(labels.length === 0 ? [] : [{ name: 'node-labels', value: labels.join(',') }]),
    ],
    ...(shared || node.taints.length > 0 ? { taints: [...own, ...node.taints] } : {}),
    ...(ignored.length > 0 ? { ignorePreflightErrors: ignored } : {}),
  };
}

function localEndpoint(inventory: Inventory, { address }: Host): KubernetesObject {
  return {
    ...(isIP(address) === 0 ? {} : { advertiseAddress: address }),
    bindPort: apiServerPort(inventory.kubernetes),
  };
}

/** What init and join have in common. */
function common({ kubernetes: { kubeadm } }: Inventory): KubernetesObject {
  const { timeouts, patches } = kubeadm;
  return {
    ...(Object.keys(patches).length === 0 ? {} : { patches: { directory: patchesFolder } }),
    timeouts: { ...timeouts },
  };
}

/**
 * `kubeadm init` on the first control plane. kubeadm always makes a bootstrap token: this one has no
 * value given, so that nobody knows it, and is gone after five minutes. Nodes join with others.
 */
export function initConfiguration(inventory: Inventory, host: Host): KubernetesObject {
  return {
    apiVersion: api,
    kind: 'InitConfiguration',
    bootstrapTokens: [
      {
        description: 'Made by kubeadm init, known to nobody',
        ttl: '5m0s',
        usages: ['signing', 'authentication'],
        groups: ['system:bootstrappers:kubeadm:default-node-token'],
      },
    ],
    localAPIEndpoint: localEndpoint(inventory, host),
    nodeRegistration: nodeRegistration(inventory, host),
    ...common(inventory),
  };
}

/** `kubeadm join`, of a control plane or of a worker by the role of the host. */
export function joinConfiguration(
  inventory: Inventory,
  host: Host,
  { token, caCertHashes, certificateKey }: JoinFacts,
): KubernetesObject {
  const control = host.roles.includes('control-plane');
  return {
    apiVersion: api,
    kind: 'JoinConfiguration',
    discovery: {
      bootstrapToken: {
        apiServerEndpoint: controlPlaneEndpoint(inventory),
        token,
        caCertHashes: [...caCertHashes],
      },
    },
    ...(control
      ? { controlPlane: { certificateKey, localAPIEndpoint: localEndpoint(inventory, host) } }
      : {}),
    nodeRegistration: nodeRegistration(inventory, host),
    ...common(inventory),
  };
}

/**
 * What kubeadm is given for kubelets, which it writes into /var/lib/kubelet/config.yaml of a node when
 * it makes it and never again: the same cgroup driver as containerd, the DNS that pods ask, and where
 * kubeadm asks whether a kubelet is well (kubeadm's componentconfigs/kubelet.go has these defaults).
 */
export function kubeletConfiguration({ kubernetes, hosts }: Inventory): KubernetesObject {
  const {
    healthzBindAddress = '127.0.0.1',
    healthzPort = 10_248,
  }: { readonly healthzBindAddress?: unknown; readonly healthzPort?: unknown } =
    kubernetes.kubeadm.kubelet;
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    cgroupDriver: 'systemd',
    clusterDNS: clusterDns(kubernetes),
    clusterDomain: kubernetes.dns.domain,
    failSwapOn: !hosts.some(({ node }) => node.swap),
    healthzBindAddress,
    healthzPort,
  };
}

/**
 * What a kubelet reads after that, in `kubeletConfigFolder`: all of it again, since it changes, and the
 * user's own settings. Those stand nowhere else: what is taken out here is then no longer in force.
 */
export function kubeletSettings(inventory: Inventory): KubernetesObject {
  return { ...kubeletConfiguration(inventory), ...inventory.kubernetes.kubeadm.kubelet };
}

/**
 * kube-proxy, or undefined where nothing of it runs. The limit of conntrack is left as node.sysctl has
 * it: by default kube-proxy writes its own over it (KubeProxyConntrackConfiguration, maxPerCore).
 */
export function kubeProxyConfiguration({ kubernetes }: Inventory): KubernetesObject | undefined {
  const { network } = kubernetes;
  if (network.proxy === 'none') return undefined;
  return {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode: network.proxy,
    clusterCIDR: network.pods.join(','),
    conntrack: { maxPerCore: 0, tcpEstablishedTimeout: '0s' },
    ...(network.nodePortAddresses.length > 0
      ? { nodePortAddresses: [...network.nodePortAddresses] }
      : {}),
    ...part(
      network.proxy,
      network.proxy === 'ipvs' ? ipvsOptions(kubernetes) : { ...network[network.proxy] },
    ),
  };
}

function ipvsOptions({ network, loadBalancer }: Inventory['kubernetes']): KubernetesObject {
  const { scheduler, strictArp, syncPeriod, minSyncPeriod, excludeNetworks } = network.ipvs;
  return {
    scheduler,
    strictARP: strictArp ?? loadBalancer.metallb !== undefined,
    syncPeriod,
    minSyncPeriod,
    excludeCIDRs: [...excludeNetworks],
  };
}
