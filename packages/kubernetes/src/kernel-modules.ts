import { kernelAtLeast } from './kernel-version.ts';

/** How Services are carried to pods: kube-proxy's mode, or none where Cilium does it. */
export type ProxyMode = 'nftables' | 'ipvs' | 'iptables' | 'none';

/** kube-proxy's IPVS schedulers that a kernel module of their own provides: `ip_vs_<name>`. */
const defaultSchedulers = ['rr', 'wrr', 'sh'];

/**
 * Kernel modules that a node needs: `overlay` for containerd's snapshots, `br_netfilter` so that
 * bridged packets meet the netfilter rules, `nf_conntrack` for the parameters that belong to it, and
 * for IPVS its core and schedulers (kubernetes/kubernetes pkg/proxy/ipvs/README.md). Before kernel
 * 4.19 the IPv4 part of conntrack was a module of its own, `nf_conntrack_ipv4`.
 */
export function modulesFor(options: {
  readonly kernel: string;
  readonly proxy: ProxyMode;
  readonly ipvsScheduler?: string;
  readonly extra?: readonly string[];
}): string[] {
  const { kernel, proxy, ipvsScheduler, extra = [] } = options;
  const conntrack = kernelAtLeast(kernel, 4, 19) ? 'nf_conntrack' : 'nf_conntrack_ipv4';
  const schedulers = [
    ...defaultSchedulers,
    ...(ipvsScheduler === undefined ? [] : [ipvsScheduler]),
  ];
  const ipvs = proxy === 'ipvs' ? ['ip_vs', ...schedulers.map((name) => `ip_vs_${name}`)] : [];
  return [...new Set(['overlay', 'br_netfilter', conntrack, ...ipvs, ...extra])];
}
