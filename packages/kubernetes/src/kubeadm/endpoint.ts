import type { Host, Inventory } from '@skerry/inventory';
import ipaddr from 'ipaddr.js';

/** The hosts with the role control-plane, in the order of the inventory; the first one begins. */
export function controlPlanesOf(inventory: Inventory): Host[] {
  return inventory.hosts.filter(({ roles }) => roles.includes('control-plane'));
}

/**
 * The port that an API server itself listens on. Behind keepalived haproxy has the endpoint's port on
 * the same machines, so that the API server takes another one.
 */
export function apiServerPort({ endpoint }: Inventory['kubernetes']): number {
  if (endpoint?.via !== 'keepalived') return 6443;
  return endpoint.port === 6443 ? 6444 : 6443;
}

/** `10.20.0.10:6443`, `[fd00::10]:6443`: where everybody finds the API. */
export function controlPlaneEndpoint(inventory: Inventory): string {
  const { kubernetes } = inventory;
  const address = kubernetes.endpoint?.address ?? controlPlanesOf(inventory)[0]?.address ?? '';
  const port = kubernetes.endpoint?.port ?? apiServerPort(kubernetes);
  return `${ipaddr.IPv6.isValid(address) ? `[${address}]` : address}:${port}`;
}
