import type { CniSettings } from '@skerry/inventory';

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
  // IPv4, UDP, WireGuard's own header and its tag (wireguard.com/papers): 20 + 8 + 16 + 16.
  WireGuard: 60,
};

function made(name: string): Overlay {
  return { name, overhead: headers[name] ?? 0 };
}

/** The overlay of a CNI: with none, packets of pods travel as they are, and the overhead is 0. */
export function overlayOf(cni: CniSettings | undefined): Overlay {
  const none: Overlay = { name: 'no overlay', overhead: 0 };
  switch (cni?.name) {
    case 'cilium': {
      if (cni.encryption === 'wireguard') return made('WireGuard');
      if (cni.routing === 'native') return none;
      return made(cni.routing === 'vxlan' ? 'VXLAN' : 'Geneve');
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
