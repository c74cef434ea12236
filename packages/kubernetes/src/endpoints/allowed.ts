import { addressRange, parseRange } from '../address-range.ts';
import type { Contact } from './endpoint.ts';
import { hostAndPort } from './endpoint.ts';

/**
 * Whether a contact is one of those that `kubernetes.egress.allow` lists. Names compare without
 * regard to case; `*.NAME` stands for what is below NAME; networks for addresses; a port, where one
 * is given, for that port only.
 */
export function isAllowed(contact: Contact, allow: readonly string[]): boolean {
  return allow.some((entry) => {
    const slash = /^(?:\[([^\]]+)\]|([^[\]]+?\/\d+))(?::(\d+))?$/.exec(entry);
    const network = slash?.[1] ?? slash?.[2];
    const { host, port } =
      network === undefined || !network.includes('/')
        ? hostAndPort(entry, 0)
        : { host: network, port: Number(slash?.[3] ?? 0) };
    if (port !== 0 && port !== contact.port) return false;
    return covers(host.toLowerCase(), contact.host.toLowerCase());
  });
}

function covers(allowed: string, host: string): boolean {
  if (allowed === host) return true;
  if (allowed.startsWith('*.')) return host.endsWith(allowed.slice(1));
  const range = parseRange(allowed) ?? addressRange(allowed);
  const address = addressRange(host);
  if (range === undefined || address === undefined || range.family !== address.family) return false;
  return range.first <= address.first && address.last <= range.last;
}
