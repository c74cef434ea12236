import type { Host, Inventory } from '@skerry/inventory';

/**
 * Whether a host is a control plane that runs what others do, too: the inventory has it as a worker as
 * well, or there is no worker at all.
 */
export function isSharedControlPlane({ hosts }: Inventory, { roles }: Host): boolean {
  if (!roles.includes('control-plane')) return false;
  return roles.includes('worker') || !hosts.some((host) => host.roles.includes('worker'));
}
