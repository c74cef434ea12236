import type { ProxyMode } from '../kernel-modules.ts';
import type { Sourced } from './entry.ts';

/** A way for Services to reach pods, with its time of life. */
export interface ProxyModeEntry extends Sourced {
  readonly mode: ProxyMode;
  /** The oldest kernel that carries it. */
  readonly kernel: string;
  /** The series of Kubernetes in which it was deprecated, is off by default, is gone. */
  readonly deprecated?: string;
  readonly offByDefault?: string;
  readonly removed?: string;
  /** How NodeLocal DNSCache is put in its way, or why it cannot be said. */
  readonly nodeLocalDns: 'transparent' | 'link-local' | 'redirect-policy' | 'undocumented';
}

export const proxyModes: readonly ProxyModeEntry[] = [
  {
    mode: 'nftables',
    kernel: '5.13',
    nodeLocalDns: 'undocumented',
    source: 'KEP-3866 (general in 1.33); github.com/kubernetes/dns/issues/682',
    date: '2026-10-15',
  },
  {
    mode: 'ipvs',
    kernel: '5.4',
    deprecated: '1.35',
    offByDefault: '1.40',
    removed: '1.43',
    nodeLocalDns: 'link-local',
    source: 'KEP-5495 (README in kubernetes/enhancements)',
    date: '2026-10-15',
  },
  {
    mode: 'iptables',
    kernel: '5.4',
    nodeLocalDns: 'transparent',
    source: 'KEP-5343; github.com/kubernetes/kubeadm/issues/3309',
    date: '2026-10-15',
  },
  {
    mode: 'none',
    kernel: '5.10',
    nodeLocalDns: 'redirect-policy',
    source: 'Cilium 1.20, system requirements',
    date: '2026-10-15',
  },
];

export function proxyModeOf(mode: ProxyMode): ProxyModeEntry {
  const entry = proxyModes.find((candidate) => candidate.mode === mode);
  if (entry === undefined) throw new Error(`the matrix lacks the proxy mode ${mode}`);
  return entry;
}
