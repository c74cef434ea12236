import { isIP } from 'node:net';
import type { Host, Inventory } from '@skerry/inventory';
import { controlPlanesOf } from './kubeadm/endpoint.ts';

type Named = readonly Pick<Host, 'name' | 'address'>[];
type Names = Readonly<Record<string, readonly string[]>>;

const known = new WeakMap<readonly Host[], Names>();

/**
 * Names by address, for /etc/hosts of a host. Hosts whose address is a name are left to the DNS.
 *
 * Of a cluster of Kubernetes a node needs the names of control planes and its own: components find
 * nodes by the addresses in their Node objects, and with the names of all, a node that joins would
 * change every other one. Without Kubernetes each host has the names of all. All that know the same
 * get the same frozen object.
 */
export function namesByAddress(inventory: Inventory, host: Host): Names {
  const { hosts, kubernetes } = inventory;
  const isCluster = kubernetes.version !== undefined;
  const everywhere = isCluster ? controlPlanesOf(inventory) : hosts;
  const shared = known.get(hosts) ?? namesOf(everywhere);
  known.set(hosts, shared);
  const isKnown = !isCluster || everywhere.some(({ name }) => name === host.name);
  return isKnown ? shared : namesOf([...everywhere, host]);
}

function namesOf(hosts: Named): Names {
  const names: Record<string, string[]> = {};
  for (const { name, address } of hosts) {
    if (isIP(address) !== 0) (names[address] ??= []).push(name);
  }
  for (const each of Object.values(names)) Object.freeze(each);
  return Object.freeze(names);
}
