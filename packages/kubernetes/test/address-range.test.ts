import { array, assert, boolean, constant, integer, oneof, property, tuple } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseRange, rangeContains, rangesOverlap, sizeOf } from '../src/address-range.ts';

const octets = array(integer({ min: 0, max: 255 }), { minLength: 4, maxLength: 4 });
const dotted = octets.map((parts) => parts.join('.'));
// Small networks in a small space, so that overlaps are drawn about as often as not.
const near = integer({ min: 0, max: 255 }).map((last) => `10.0.0.${last}`);
const network = tuple(oneof(near, dotted), integer({ min: 24, max: 32 })).map(
  ([address, prefix]) => `${address}/${prefix}`,
);

function range(text: string) {
  const parsed = parseRange(text);
  if (parsed === undefined) throw new Error(`${text} is no range`);
  return parsed;
}

/** Every address of a small network, by counting on from its own address bits. */
function members(text: string): Set<number> {
  const [address = '', prefix] = text.split('/');
  const number = address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
  const size = 2 ** (32 - Number(prefix));
  const first = number - (number % size);
  return new Set(Array.from({ length: size }, (_, index) => first + index));
}

describe('ranges of addresses', () => {
  test('overlap where they share an address, and only there', () => {
    assert(
      property(network, network, (a, b) => {
        const others = members(b);
        const shared = [...members(a)].some((address) => others.has(address));
        expect(rangesOverlap(range(a), range(b))).toBe(shared);
        expect(rangesOverlap(range(b), range(a))).toBe(shared);
      }),
    );
  });

  test('overlap with themselves, and with what lies in them', () => {
    assert(
      property(dotted, integer({ min: 0, max: 32 }), (address, prefix) => {
        const whole = range(`${address}/${prefix}`);
        expect(rangesOverlap(whole, whole)).toBe(true);
        expect(rangeContains(whole, address)).toBe(true);
        expect(sizeOf(whole)).toBe(2n ** BigInt(32 - prefix));
      }),
    );
  });

  test('are the same as a network and from its first to its last address', () => {
    assert(
      property(network, boolean(), (text, spaces) => {
        const { first, last } = range(text);
        const name = (address: bigint): string =>
          [24n, 16n, 8n, 0n].map((shift) => (address >> shift) & 255n).join('.');
        const dash = spaces ? ' - ' : '-';
        expect(range(`${name(first)}${dash}${name(last)}`)).toEqual(range(text));
      }),
    );
  });

  test('of different families never overlap', () => {
    assert(
      property(network, constant('::/0'), (four, six) => {
        expect(rangesOverlap(range(four), range(six))).toBe(false);
      }),
    );
    expect(rangesOverlap(range('fd00::/64'), range('fd00::1/128'))).toBe(true);
    expect(rangesOverlap(range('fd00::/64'), range('fd00:0:0:1::/64'))).toBe(false);
  });

  test.each([
    '10.0.0.1',
    '10.0.0.0/33',
    '10.0/16',
    '10.0.0.9-10.0.0.1',
    'fd00::/129',
    '10.0.0.1-fd00::1',
    'a-b',
    '',
  ])('%j is none', (text) => {
    expect(parseRange(text)).toBeUndefined();
  });
});
