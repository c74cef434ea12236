import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { batches, tooManyFailed, type Serial } from '../src/batches.ts';

const items = fc.integer({ min: 0, max: 300 }).map((n) => Array.from({ length: n }, (_, i) => i));
const percentage = fc.integer({ min: 1, max: 100 });
const entry = fc.oneof(
  fc.integer({ min: 1, max: 50 }),
  percentage.map((p): `${number}%` => `${p}%`),
);
const serial: fc.Arbitrary<Serial | undefined> = fc.oneof(
  fc.constant(undefined),
  entry,
  fc.array(entry, { minLength: 1, maxLength: 4 }),
);

describe('batches', () => {
  test('hold every host once, in order, and none is empty', () => {
    fc.assert(
      fc.property(items, serial, (all, by) => {
        const rounds = batches(all, by);
        expect(rounds.flat()).toEqual(all);
        expect(rounds.every((round) => round.length > 0)).toBe(true);
      }),
    );
  });

  test('a percentage never takes more than its share, and uses all of it that is whole', () => {
    fc.assert(
      fc.property(items, percentage, (all, p) => {
        const rounds = batches(all, `${p}%`);
        const share = Math.max(1, Math.floor((all.length * p) / 100));
        for (const round of rounds.slice(0, -1)) expect(round.length).toBe(share);
        expect(rounds.at(-1)?.length ?? 0).toBeLessThanOrEqual(share);
      }),
    );
  });

  test.each([
    [1000, '25%', 4],
    [10, '25%', 5],
    [3, '1%', 3],
    [3, '100%', 1],
  ] as const)('%d hosts by %s are %d batches', (n, by, expected) => {
    expect(batches(Array.from({ length: n }), by)).toHaveLength(expected);
  });

  test('the last entry of a list repeats', () => {
    const sizes = batches(Array.from({ length: 20 }), [1, 4, '50%']).map(({ length }) => length);
    expect(sizes).toEqual([1, 4, 10, 5]);
  });

  test.each([0, -1, 1.5, '0%', '101%', 'x%' as '1%'] as const)('%s is refused', (by) => {
    expect(() => batches([1, 2, 3], by)).toThrow(/is no number of hosts/);
  });
});

describe('failure policy', () => {
  test.each([
    [0, 10, 0, false],
    [1, 10, 0, true],
    [1, 10, 10, false],
    [2, 10, 10, true],
    [10, 10, 100, false],
    [1, 1000, 0, true],
  ])('%d of %d failed, %d %% tolerated: too many is %s', (failed, total, allowed, expected) => {
    expect(tooManyFailed(failed, total, allowed)).toBe(expected);
  });
});
