import type { Host, Inventory } from '@skerry/inventory';
import { isIP } from 'node:net';
import type { KubernetesObject } from '../objects/kubernetes-object.ts';
import { clusterDns } from './cluster-dns.ts';
import { apiServerPort, controlPlaneEndpoint, controlPlanesOf } from './endpoint.ts';

const api = 'kubeadm.k8s.io/v1beta4';

/** What is made for one bring-up and lives for a short time; tokens of secrets, never their values. */
export interface JoinSecrets {
  /** `abcdef.0123456789abcdef`. */
  readonly token: string;
  /** 32 bytes in hex, with which the certificates of control planes are sealed. */
  readonly certificateKey: string;
}

export interface JoinFacts extends JoinSecrets {
  /** `sha256:…` of the public key of the cluster's CA. */
  readonly caCertHashes: readonly string[];
}

/** Where patches of kubeadm lie on a node. */
export interface NodeOptions {
  readonly patches?: string;
}

/**
 * What kubeadm keeps of the cluster. It is uploaded at init and not read from here again: whoever
 * changes it has to upload it and to roll out what follows from it.
 */
export function clusterConfiguration(inventory: Inventory): KubernetesObject {
  const { kubernetes, cluster } = inventory;
  const { network, dns, endpoint, version } = kubernetes;
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
    apiServer: { certSANs: [...new Set([...own, ...names])] },
    etcd: { local: { dataDir: '/var/lib/etcd' } },
    proxy: { disabled: network.proxy === 'none' },
  };
}

function nodeRegistration({ name, address, node }: Host, isOnlyKind: boolean): KubernetesObject {
  const nodeIp = isIP(address) === 0 ? [] : [{ name: 'node-ip', value: address }];
  return {
    name,
    criSocket: 'unix:///run/containerd/containerd.sock',
    imagePullPolicy: 'IfNotPresent',
    kubeletExtraArgs: nodeIp,
    // A cluster of control planes only has nowhere else to run pods.
    ...(isOnlyKind ? { taints: [] } : {}),
    ...(node.swap ? { ignorePreflightErrors: ['Swap'] } : {}),
  };
}

function hasNoWorkers({ hosts }: Inventory): boolean {
  return !hosts.some(({ roles }) => roles.includes('worker'));
}

function localEndpoint(inventory: Inventory, { address }: Host): KubernetesObject {
  return {
    ...(isIP(address) === 0 ? {} : { advertiseAddress: address }),
    bindPort: apiServerPort(inventory.kubernetes),
  };
}

/** `kubeadm init` on the first control plane. The token is for two hours. */
export function initConfiguration(
  inventory: Inventory,
  host: Host,
  secrets: JoinSecrets,
  { patches }: NodeOptions = {},
): KubernetesObject {
  return {
    apiVersion: api,
    kind: 'InitConfiguration',
    bootstrapTokens: [
      {
        token: secrets.token,
        ttl: '2h0m0s',
        usages: ['signing', 'authentication'],
        groups: ['system:bootstrappers:kubeadm:default-node-token'],
      },
    ],
    certificateKey: secrets.certificateKey,
    localAPIEndpoint: localEndpoint(inventory, host),
    nodeRegistration: nodeRegistration(host, hasNoWorkers(inventory)),
    ...(patches === undefined ? {} : { patches: { directory: patches } }),
  };
}

/** `kubeadm join`, of a control plane or of a worker by the role of the host. */
export function joinConfiguration(
  inventory: Inventory,
  host: Host,
  { token, caCertHashes, certificateKey }: JoinFacts,
  { patches }: NodeOptions = {},
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
    nodeRegistration: nodeRegistration(host, control && hasNoWorkers(inventory)),
    ...(patches === undefined ? {} : { patches: { directory: patches } }),
  };
}

/** The kubelets of the cluster: the same cgroup driver as containerd, and the DNS that pods ask. */
export function kubeletConfiguration({ kubernetes, hosts }: Inventory): KubernetesObject {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    cgroupDriver: 'systemd',
    clusterDNS: clusterDns(kubernetes),
    clusterDomain: kubernetes.dns.domain,
    failSwapOn: !hosts.some(({ node }) => node.swap),
  };
}

/**
 * kube-proxy, or undefined where nothing of it runs. The limit of conntrack is left as node.sysctl has
 * it: by default kube-proxy writes its own over it (KubeProxyConntrackConfiguration, maxPerCore).
 */
export function kubeProxyConfiguration({ kubernetes }: Inventory): KubernetesObject | undefined {
  const { network, loadBalancer } = kubernetes;
  if (network.proxy === 'none') return undefined;
  const { scheduler, strictArp, syncPeriod, minSyncPeriod, excludeNetworks } = network.ipvs;
  return {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode: network.proxy,
    clusterCIDR: network.pods.join(','),
    conntrack: { maxPerCore: 0, tcpEstablishedTimeout: '0s' },
    ...(network.nodePortAddresses.length > 0
      ? { nodePortAddresses: [...network.nodePortAddresses] }
      : {}),
    ...(network.proxy === 'ipvs'
      ? {
          ipvs: {
            scheduler,
            strictARP: strictArp ?? loadBalancer.metallb !== undefined,
            syncPeriod,
            minSyncPeriod,
            excludeCIDRs: [...excludeNetworks],
          },
        }
      : {}),
  };
}
