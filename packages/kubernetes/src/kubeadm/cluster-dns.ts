import type { KubernetesSettings } from '@skerry/inventory';
import { addressText, parseRange } from '../address-range.ts';
import { proxyModeOf } from '../matrix/proxy-modes.ts';

/** Where NodeLocal DNSCache listens on every node (kubernetes.io, nodelocaldns). */
export const nodeLocalAddress = '169.254.20.10';

/** The address of the cluster's DNS: the tenth of the Services' network, as kubeadm gives it. */
export function dnsServiceAddress(services: string): string {
  const range = parseRange(services);
  if (range === undefined) throw new Error(`${services} is no network`);
  return addressText(range.family, range.first + 10n);
}

/**
 * What kubelets tell pods to ask. With NodeLocal DNSCache it depends on the proxy mode: with iptables
 * and with Cilium the cache steps in between unseen, with the others pods ask it by its own address.
 */
export function clusterDns({ network, dns }: KubernetesSettings): string[] {
  const form = proxyModeOf(network.proxy).nodeLocalDns;
  if (dns.nodeLocal && (form === 'link-local' || form === 'undocumented'))
    return [nodeLocalAddress];
  return network.services.map(dnsServiceAddress);
}
