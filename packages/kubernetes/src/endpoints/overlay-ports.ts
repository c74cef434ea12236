import type { KubernetesSettings } from '@skerry/inventory';
import type { Contact } from './endpoint.ts';

type Port = Pick<Contact, 'port' | 'protocol' | 'reason'>;

/**
 * What nodes contact of each other for the network of pods. Ports: Cilium docs, "System Requirements,
 * Firewall Rules"; Calico docs, "System requirements"; Flannel, Documentation/troubleshooting.md;
 * MetalLB, "Requirements" (memberlist). Read 2026-11-22.
 */
export function overlayPorts({ network, loadBalancer }: KubernetesSettings): Port[] {
  return [
    ...cniPorts(network.cni),
    ...(loadBalancer.metallb === undefined
      ? []
      : (['tcp', 'udp'] as const).map((protocol) => ({
          port: 7946,
          protocol,
          reason: 'MetalLB: who answers for an address',
        }))),
  ];
}

function cniPorts(cni: KubernetesSettings['network']['cni']): Port[] {
  switch (cni?.name) {
    case 'cilium':
      return [
        { port: 4240, protocol: 'tcp', reason: 'Cilium: health of nodes' },
        ...(cni.hubble ? [{ port: 4244, protocol: 'tcp', reason: 'Hubble' } as const] : []),
        ...(cni.routing === 'vxlan'
          ? [{ port: 8472, protocol: 'udp', reason: 'pods by VXLAN' } as const]
          : []),
        ...(cni.routing === 'geneve'
          ? [{ port: 6081, protocol: 'udp', reason: 'pods by Geneve' } as const]
          : []),
        ...(cni.encryption === 'wireguard'
          ? [{ port: 51_871, protocol: 'udp', reason: 'pods by WireGuard' } as const]
          : []),
      ];
    case 'calico':
      return [
        { port: 5473, protocol: 'tcp', reason: 'Typha' },
        ...(cni.bgp && cni.nodeMesh
          ? [{ port: 179, protocol: 'tcp', reason: 'BGP between nodes' } as const]
          : []),
        ...(cni.encapsulation.startsWith('vxlan')
          ? [{ port: 4789, protocol: 'udp', reason: 'pods by VXLAN' } as const]
          : []),
      ];
    case 'flannel':
      return cni.backend === 'vxlan'
        ? [{ port: 8472, protocol: 'udp', reason: 'pods by VXLAN' }]
        : [];
    case 'weave':
    case 'routed':
    case undefined:
      return [];
  }
}
