import ipaddr from 'ipaddr.js';

/** Addresses from `first` to `last`, both in it, as numbers. */
export interface AddressRange {
  readonly family: 4 | 6;
  readonly first: bigint;
  readonly last: bigint;
}

function numberOf(address: ipaddr.IPv4 | ipaddr.IPv6): bigint {
  return address.toByteArray().reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

/** One address as a range, or undefined where the text is none (a host name, for example). */
export function addressRange(text: string): AddressRange | undefined {
  const strict = ipaddr.IPv4.isValidFourPartDecimal(text) || ipaddr.IPv6.isValid(text);
  if (!strict) return undefined;
  const address = ipaddr.parse(text);
  const number = numberOf(address);
  return { family: address.kind() === 'ipv4' ? 4 : 6, first: number, last: number };
}

/**
 * `10.20.1.0/27`, or `10.20.1.10-10.20.1.20`; undefined where the text is neither, and where a range
 * ends before it begins. Bits behind the prefix count as zero, as in Go's net.ParseCIDR.
 */
export function parseRange(text: string): AddressRange | undefined {
  const ends = text.split('-');
  if (ends.length === 2) {
    const from = addressRange(ends[0]?.trim() ?? '');
    const to = addressRange(ends[1]?.trim() ?? '');
    if (from === undefined || to === undefined || from.family !== to.family) return undefined;
    return from.first <= to.first ? { ...from, last: to.first } : undefined;
  }
  const match = /^([^/]+)\/(\d{1,3})$/.exec(text);
  const address = addressRange(match?.[1] ?? '');
  if (match === null || address === undefined) return undefined;
  const bits = address.family === 4 ? 32 : 128;
  const prefix = Number(match[2]);
  if (prefix > bits) return undefined;
  const size = 1n << BigInt(bits - prefix);
  const first = (address.first / size) * size;
  return { family: address.family, first, last: first + size - 1n };
}

/** The text of an address that `AddressRange` holds as a number. */
export function addressText(family: 4 | 6, number: bigint): string {
  const length = family === 4 ? 4 : 16;
  const bytes = Array.from({ length }, (_, index) =>
    Number((number >> BigInt(8 * (length - 1 - index))) & 255n),
  );
  return ipaddr.fromByteArray(bytes).toString();
}

/** Whether two ranges share an address. */
export function rangesOverlap(a: AddressRange, b: AddressRange): boolean {
  return a.family === b.family && a.first <= b.last && b.first <= a.last;
}

/** Whether an IP address lies in a range; false for a host name. */
export function rangeContains(range: AddressRange, address: string): boolean {
  const one = addressRange(address);
  return one !== undefined && rangesOverlap(range, one);
}

/** How many addresses there are in a range. */
export function sizeOf({ first, last }: AddressRange): bigint {
  return last - first + 1n;
}

/** The length of the prefix of a network in CIDR notation. */
export function prefixLength(network: string): number {
  return Number(network.split('/')[1]);
}
