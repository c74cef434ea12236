import type { CniSettings } from '@skerry/inventory';
import { versionOf } from './matrix/components.ts';
import { isAtLeast } from './version-number.ts';

/** What a CNI puts around each packet of a pod. */
export interface Overlay {
  readonly name: string;
  /** Bytes. */
  readonly overhead: number;
}

const headers: Readonly<Record<string, number>> = {
  // Outer Ethernet, IPv4, UDP and VXLAN headers (RFC 7348): 14 + 20 + 8 + 8.
  VXLAN: 50,
  // The same with a Geneve header without options (RFC 8926).
  Geneve: 50,
  // One more IPv4 header (RFC 2003).
  IPIP: 20,
};

/**
 * What Cilium takes off for WireGuard: IPv6, UDP, its header and tag, and since 1.19 as much as it may
 * pad (pkg/mtu/mtu.go of 1.18.5 and 1.19.5), 40 + 8 + 32 and 15. It does so beside a tunnel's own.
 */
function ofWireGuard(version: string): number {
  return isAtLeast(version, '1.19') ? 95 : 80;
}

function made(name: string): Overlay {
  return { name, overhead: headers[name] ?? 0 };
}

/** The overlay of a CNI: with none, packets of pods travel as they are, and the overhead is 0. */
export function overlayOf(cni: CniSettings | undefined): Overlay {
  const none: Overlay = { name: 'no overlay', overhead: 0 };
  switch (cni?.name) {
    case 'cilium': {
      const tunnel =
        cni.routing === 'native' ? none : made(cni.routing === 'vxlan' ? 'VXLAN' : 'Geneve');
      if (cni.encryption !== 'wireguard') return tunnel;
      const overhead = ofWireGuard(versionOf('cilium', cni.version)) + tunnel.overhead;
      return { name: tunnel === none ? 'WireGuard' : `WireGuard and ${tunnel.name}`, overhead };
    }
    case 'calico': {
      if (cni.encapsulation === 'none') return none;
      return made(cni.encapsulation.startsWith('vxlan') ? 'VXLAN' : 'IPIP');
    }
    case 'flannel':
      return cni.backend === 'vxlan' ? made('VXLAN') : none;
    case 'weave':
      return made('VXLAN');
    case 'routed':
    case undefined:
      return none;
  }
}
