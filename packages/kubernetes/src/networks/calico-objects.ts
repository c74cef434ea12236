import type { CniSettings, Inventory } from '@skerry/inventory';
import { parseRange } from '../address-range.ts';
import { apiServerPort, controlPlanesOf } from '../kubeadm/endpoint.ts';
import type { KubernetesObject } from '../objects/kubernetes-object.ts';
import { overlayOf } from '../overlay.ts';

type Calico = Extract<CniSettings, { name: 'calico' }>;

/** As the operator calls them (tigera/operator api/v1/installation_types.go). */
const encapsulations: Readonly<Record<Calico['encapsulation'], string>> = {
  none: 'None',
  ipip: 'IPIP',
  'ipip-cross-subnet': 'IPIPCrossSubnet',
  vxlan: 'VXLAN',
  'vxlan-cross-subnet': 'VXLANCrossSubnet',
};
const dataplanes = { iptables: 'Iptables', nftables: 'Nftables', bpf: 'BPF' } as const;

function pool(calico: Calico, cidr: string): KubernetesObject {
  const six = parseRange(cidr)?.family === 6;
  // IPIP carries IPv4 only.
  const encapsulation =
    six && calico.encapsulation.startsWith('ipip') ? 'None' : encapsulations[calico.encapsulation];
  return {
    name: six ? 'pods-ipv6' : 'pods',
    cidr,
    // 122 is to IPv6 what 26 is to IPv4: 64 addresses.
    blockSize: six ? calico.blockSize + 96 : calico.blockSize,
    encapsulation,
    natOutgoing: 'Enabled',
    nodeSelector: 'all()',
  };
}

/** Calico's `mtu` is that of pods. */
function mtu(calico: Calico, network: Inventory['kubernetes']['network']): number | undefined {
  if (network.mtu !== undefined) return network.mtu;
  return network.pathMtu === undefined ? undefined : network.pathMtu - overlayOf(calico).overhead;
}

/** Where Calico's BPF dataplane finds the API, which it cannot ask by a Service that it carries. */
function servicesEndpoint({ kubernetes, ...inventory }: Inventory): KubernetesObject {
  const { endpoint } = kubernetes;
  const first = controlPlanesOf({ kubernetes, ...inventory })[0]?.address ?? '';
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'kubernetes-services-endpoint', namespace: 'tigera-operator' },
    data: {
      KUBERNETES_SERVICE_HOST: endpoint?.address ?? first,
      KUBERNETES_SERVICE_PORT: String(endpoint?.port ?? apiServerPort(kubernetes)),
    },
  };
}

/** What the operator is to make of Calico: its network, and the API for the rest of its settings. */
export function calicoInstallation(inventory: Inventory, calico: Calico): KubernetesObject[] {
  const { network } = inventory.kubernetes;
  const size = mtu(calico, network);
  const installation = {
    apiVersion: 'operator.tigera.io/v1',
    kind: 'Installation',
    metadata: { name: 'default' },
    spec: {
      variant: 'Calico',
      calicoNetwork: {
        bgp: calico.bgp ? 'Enabled' : 'Disabled',
        linuxDataplane: dataplanes[calico.dataplane],
        hostPorts: calico.dataplane === 'bpf' ? 'Disabled' : 'Enabled',
        ...(size === undefined ? {} : { mtu: size }),
        ipPools: network.pods.map((cidr) => pool(calico, cidr)),
        // The address that the kubelet gives as its own, as everywhere in Skerry.
        nodeAddressAutodetectionV4: { kubernetes: 'NodeInternalIP' },
      },
    },
  };
  const server = {
    apiVersion: 'operator.tigera.io/v1',
    kind: 'APIServer',
    metadata: { name: 'default' },
    spec: {},
  };
  return [
    ...(calico.dataplane === 'bpf' ? [servicesEndpoint(inventory)] : []),
    installation,
    ...(calico.bgp ? [server] : []),
  ];
}

/** BGP of Calico: its AS number, and the routers that all nodes peer with. */
export function calicoBgp(calico: Calico): KubernetesObject[] {
  if (!calico.bgp) return [];
  const api = 'projectcalico.org/v3';
  return [
    {
      apiVersion: api,
      kind: 'BGPConfiguration',
      metadata: { name: 'default' },
      spec: { asNumber: calico.localAsn, nodeToNodeMeshEnabled: calico.nodeMesh },
    },
    ...calico.peers.map(({ name, address, asn }) => ({
      apiVersion: api,
      kind: 'BGPPeer',
      metadata: { name },
      spec: { peerIP: address, asNumber: asn },
    })),
  ];
}
