import { proxyModeOf } from './matrix/proxy-modes.ts';

/**
 * Whether a kernel release as `uname -r` prints it (`6.12.48+deb13-cloud-amd64`) is at least
 * `major.minor`. A release that does not begin with two numbers counts as too old.
 */
export function kernelAtLeast(release: string, major: number, minor: number): boolean {
  const match = /^(\d+)\.(\d+)/.exec(release);
  if (match === null) return false;
  const [have, haveMinor] = [Number(match[1]), Number(match[2])];
  return have > major || (have === major && haveMinor >= minor);
}

/**
 * The oldest kernel that carries a mode of kube-proxy, and why: nftables mode wants 5.13 (KEP-3866);
 * Cilium in its place 5.10 (Cilium 1.20 system requirements); the older modes 5.4, the oldest that
 * kubeadm's preflight accepts.
 */
export function oldestKernel(proxy: 'nftables' | 'ipvs' | 'iptables' | 'none'): {
  readonly minimum: string;
  readonly why: string;
} {
  const reasons = {
    nftables: "kube-proxy's nftables mode needs it",
    none: 'a kube-proxy replacement by eBPF needs it',
    ipvs: 'kubeadm accepts none that is older',
    iptables: 'kubeadm accepts none that is older',
  };
  return { minimum: proxyModeOf(proxy).kernel, why: reasons[proxy] };
}
