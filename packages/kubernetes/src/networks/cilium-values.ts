import type { CniSettings, Inventory } from '@skerry/inventory';
import { parseRange } from '../address-range.ts';
import { apiServerPort, controlPlanesOf } from '../kubeadm/endpoint.ts';
import { versionOf } from '../matrix/components.ts';
import { overlayOf } from '../overlay.ts';
import { isAtLeast } from '../version-number.ts';
import { mergeValues, type Values } from './merge-values.ts';

type Cilium = Extract<CniSettings, { name: 'cilium' }>;

/** The version of Cilium that an inventory asks for; undefined where it asks for another CNI. */
export function ciliumVersion({ kubernetes }: Inventory): string | undefined {
  const { cni } = kubernetes.network;
  if (cni?.name !== 'cilium') return undefined;
  return versionOf('cilium', cni.version);
}

/** Whether Services of the type LoadBalancer get addresses of Cilium that are told by `how`. */
export function ciliumAdvertises(inventory: Inventory, how: 'l2' | 'bgp'): boolean {
  const { network, loadBalancer } = inventory.kubernetes;
  if (network.cni?.name !== 'cilium') return false;
  const asked = how === 'l2' ? network.cni.l2Announcements : network.cni.bgp;
  return asked || (loadBalancer.cilium?.pools ?? []).some(({ advertise }) => advertise === how);
}

function only(condition: boolean, values: Values): Values {
  return condition ? values : {};
}

/** A network of a family, of several in CIDR notation. */
function ofFamily(networks: readonly string[], family: 4 | 6): string | undefined {
  return networks.find((text) => parseRange(text)?.family === family);
}

function routing(cilium: Cilium, pods: readonly string[]): Values {
  if (cilium.routing !== 'native') {
    return { routingMode: 'tunnel', tunnelProtocol: cilium.routing };
  }
  const networks = cilium.nativeNetwork === undefined ? pods : [cilium.nativeNetwork, ...pods];
  const [four, six] = [ofFamily(networks, 4), ofFamily(networks, 6)];
  return {
    routingMode: 'native',
    autoDirectNodeRoutes: cilium.directRoutes,
    ...only(four !== undefined, { ipv4NativeRoutingCIDR: four }),
    ...only(six !== undefined, { ipv6NativeRoutingCIDR: six }),
  };
}

/** Where Cilium itself finds the API, which it cannot ask by a Service that it carries itself. */
function apiServer(inventory: Inventory): Values {
  const { endpoint } = inventory.kubernetes;
  const address = endpoint?.address ?? controlPlanesOf(inventory)[0]?.address ?? '';
  return {
    k8sServiceHost: address,
    k8sServicePort: endpoint?.port ?? apiServerPort(inventory.kubernetes),
  };
}

function services(inventory: Inventory, cilium: Cilium): Values {
  if (inventory.kubernetes.network.proxy !== 'none') return { kubeProxyReplacement: 'false' };
  const direct = cilium.loadBalancer !== 'snat';
  return {
    kubeProxyReplacement: 'true',
    ...apiServer(inventory),
    loadBalancer: {
      mode: cilium.loadBalancer,
      // In a tunnel the answer finds its way by what Geneve carries (Cilium, DSR with Geneve).
      ...only(direct && cilium.routing === 'geneve', { dsrDispatch: 'geneve' }),
    },
    // Cilium masks in BPF only where it carries NodePorts too.
    bpf: { masquerade: cilium.masquerade === 'bpf' },
  };
}

/**
 * Certificates of Hubble are made by a Job in the cluster and renewed by a CronJob: made by Helm they
 * would be new ones in every plan. The Job stays when it is done, or each plan would make it again.
 */
function hubble(cilium: Cilium, version: string): Values {
  if (!cilium.hubble) return { hubble: { enabled: false } };
  return {
    hubble: {
      enabled: true,
      relay: { enabled: true, rollOutPods: true },
      ui: { enabled: true, rollOutPods: true },
      tls: { auto: { method: 'cronJob' } },
    },
    // 1.19 takes null for never; the charts before it write what they are given: 68 years.
    certgen: { ttlSecondsAfterFinished: isAtLeast(version, '1.19') ? null : 2_147_483_647 },
  };
}

/** Cilium's `MTU` is what the network below carries; from it Cilium takes off its own headers. */
function mtu(cilium: Cilium, network: Inventory['kubernetes']['network']): Values {
  const below =
    network.mtu === undefined ? network.pathMtu : network.mtu + overlayOf(cilium).overhead;
  return below === undefined ? {} : { MTU: below };
}

function redirect(version: string): Values {
  return isAtLeast(version, '1.18')
    ? { localRedirectPolicies: { enabled: true } }
    : { localRedirectPolicy: true };
}

/** Helm asks no cluster whether it has the kinds of Gateway API: the class is asked for by name. */
function gateway(version: string): Values {
  return {
    enabled: true,
    ...only(isAtLeast(version, '1.16'), { gatewayClass: { create: 'true' } }),
  };
}

/**
 * The values of Cilium's chart (1.15 to 1.20) that follow from the inventory, and the inventory's own
 * over them. undefined where the CNI is another one.
 */
export function ciliumValues(inventory: Inventory): Values | undefined {
  const { network, dns, ingress } = inventory.kubernetes;
  const version = ciliumVersion(inventory);
  const { cni: cilium } = network;
  if (cilium?.name !== 'cilium' || version === undefined) return undefined;
  const layer2 = ciliumAdvertises(inventory, 'l2');
  const nodes = inventory.hosts.filter(({ roles }) => roles.length > 0).length;
  const values: Values = {
    cluster: { name: inventory.cluster.name },
    ipam: { mode: 'kubernetes' },
    ipv4: { enabled: ofFamily(network.pods, 4) !== undefined },
    ipv6: { enabled: ofFamily(network.pods, 6) !== undefined },
    ...routing(cilium, network.pods),
    ...services(inventory, cilium),
    ...mtu(cilium, network),
    ...only(cilium.encryption === 'wireguard', {
      encryption: { enabled: true, type: 'wireguard' },
    }),
    ...hubble(cilium, version),
    ...only(layer2, {
      l2announcements: { enabled: true },
      // Each Service holds a lease that is renewed all the time (Cilium, L2 announcements, sizing).
      k8sClientRateLimit: { qps: 50, burst: 100 },
    }),
    ...only(ciliumAdvertises(inventory, 'bgp'), { bgpControlPlane: { enabled: true } }),
    ...only(ingress?.controller === 'gateway-api', { gatewayAPI: gateway(version) }),
    ...only(dns.nodeLocal && network.proxy === 'none', redirect(version)),
    operator: { replicas: Math.min(2, Math.max(1, nodes)), rollOutPods: true },
    // A changed configuration reaches pods that run: their template carries its digest.
    rollOutCiliumPods: true,
    envoy: { rollOutPods: true },
  };
  return mergeValues(values, cilium.values);
}
