import { isIP } from 'node:net';

/** Names by address, for /etc/hosts. Hosts whose address is a name are left to the DNS. */
export function namesByAddress(
  hosts: readonly { readonly name: string; readonly address: string }[],
): Record<string, string[]> {
  const names: Record<string, string[]> = {};
  for (const { name, address } of hosts) {
    if (isIP(address) !== 0) (names[address] ??= []).push(name);
  }
  return names;
}
