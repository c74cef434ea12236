import ipaddr from 'ipaddr.js';

const label = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
const hostNamePattern = new RegExp(`^${label}(?:\\.${label})*$`);

/** A name by RFC 1123, lower-case as Kubernetes wants it: at most 253 characters. */
export function isHostName(name: string): boolean {
  return name.length <= 253 && hostNamePattern.test(name);
}

/** Why a text is no address, or undefined where it is one: IPv4, IPv6, or a host name. */
export function addressFault(address: string): { why: string; fix?: string } | undefined {
  if (/^\[.*\](:\d+)?$/.test(address)) {
    return { why: 'brackets are for URLs', fix: 'write the IPv6 address without brackets' };
  }
  if (/^\d+(\.\d+)*$/.test(address)) {
    return ipaddr.IPv4.isValidFourPartDecimal(address) && !/(^|\.)0\d/.test(address)
      ? undefined
      : { why: 'an IPv4 address is four numbers from 0 to 255, without leading zeros' };
  }
  if (/\/\d+$/.test(address)) {
    return { why: 'a host has an address, not a network', fix: 'leave out the prefix length' };
  }
  if (ipaddr.IPv6.isValid(address)) return undefined;
  const port = /^([^:]+):(\d+)$/.exec(address);
  if (port !== null) {
    return {
      why: 'the port does not stand in the address',
      fix: `write "address: ${port[1]}" and "connection: {port: ${port[2]}}"`,
    };
  }
  if (address.includes('@')) {
    return {
      why: 'the user does not stand in the address',
      fix: 'write the user under "connection: {user: …}"',
    };
  }
  if (isHostName(address.toLowerCase())) return undefined;
  return { why: 'it is no IPv4 address, no IPv6 address and no host name (RFC 1123)' };
}

/** One spelling for each address, so that `fd00::1` and `fd00:0::1` are found to be the same. */
export function canonicalAddress(address: string): string {
  return ipaddr.isValid(address) ? ipaddr.parse(address).toString() : address.toLowerCase();
}

/** `10.20.0.0/24` as a network, or undefined. */
export function isNetwork(text: string): boolean {
  return ipaddr.isValidCIDR(text);
}

/** Whether an IP address lies in a network in CIDR notation; undefined for a host name. */
export function isInNetwork(address: string, network: string): boolean | undefined {
  if (!ipaddr.isValid(address) || !ipaddr.isValidCIDR(network)) return undefined;
  const parsed = ipaddr.parse(address);
  const range = ipaddr.parseCIDR(network);
  return parsed.kind() === range[0].kind() && parsed.match(range);
}

/** A hop on the way to a host. */
export interface Jump {
  readonly user: string | undefined;
  readonly address: string;
  readonly port: number | undefined;
}

/** `[user@]address[:port]`, an IPv6 address with a port in brackets; undefined where it is wrong. */
export function parseJump(text: string): Jump | undefined {
  const match =
    /^(?:(?<user>[^@\s:,]+)@)?(?:\[(?<v6>[0-9A-Fa-f:.%\w]+)\]|(?<name>[^\s@[\]:,]+)|(?<bare>[0-9A-Fa-f:]+))(?::(?<port>\d{1,5}))?$/.exec(
      text,
    );
  if (match?.groups === undefined) return undefined;
  const { user, v6, name, bare, port } = match.groups;
  const address = v6 ?? name ?? bare ?? '';
  if (v6 !== undefined && !ipaddr.IPv6.isValid(v6)) return undefined;
  if (addressFault(address) !== undefined) return undefined;
  const number = port === undefined ? undefined : Number(port);
  if (number !== undefined && (number < 1 || number > 65535)) return undefined;
  return { user, address, port: number };
}
