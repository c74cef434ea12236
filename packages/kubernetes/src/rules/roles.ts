/** Roles that make a host part of the cluster. */
export function isHostRole(role: string): boolean {
  return role === 'control-plane' || role === 'worker';
}
