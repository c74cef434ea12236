import { isIP } from 'node:net';

type Named = readonly { readonly name: string; readonly address: string }[];

const known = new WeakMap<Named, Readonly<Record<string, readonly string[]>>>();

/**
 * Names by address, for /etc/hosts. Hosts whose address is a name are left to the DNS. The same list
 * gives the same frozen object: every host of a fleet asks for it.
 */
export function namesByAddress(hosts: Named): Readonly<Record<string, readonly string[]>> {
  const made = known.get(hosts);
  if (made !== undefined) return made;
  const names: Record<string, string[]> = {};
  for (const { name, address } of hosts) {
    if (isIP(address) !== 0) (names[address] ??= []).push(name);
  }
  for (const each of Object.values(names)) Object.freeze(each);
  known.set(hosts, Object.freeze(names));
  return names;
}
