import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { expandRanges } from '../src/index.ts';

it.each([
  ['node', ['node']],
  ['node-[01:03]', ['node-01', 'node-02', 'node-03']],
  ['node-[8:11]', ['node-8', 'node-9', 'node-10', 'node-11']],
  ['node-[08:11]', ['node-08', 'node-09', 'node-10', 'node-11']],
  ['node-[1:9:4]', ['node-1', 'node-5', 'node-9']],
  ['node-[1:9:3]', ['node-1', 'node-4', 'node-7']],
  ['node-[5:5]', ['node-5']],
  ['[a:c].example', ['a.example', 'b.example', 'c.example']],
  ['r[1:2]n[01:02]', ['r1n01', 'r1n02', 'r2n01', 'r2n02']],
  ['10.[1:2].0.[9:10]', ['10.1.0.9', '10.1.0.10', '10.2.0.9', '10.2.0.10']],
])('%s', (text, texts) => {
  expect(expandRanges(text)).toEqual({ texts });
});

it('gives as many names as the range has numbers, all different, in order, of one width', () => {
  fc.assert(
    fc.property(
      fc.nat(999),
      fc.nat(200),
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 6 }),
      (first, span, step, width) => {
        const start = `${first}`.padStart(width, '0');
        const padded = start.startsWith('0') && start.length > 1;
        const expansion = expandRanges(`n-[${start}:${first + span}:${step}]`);
        if ('fault' in expansion) throw new Error(expansion.fault.why);
        const numbers = expansion.texts.map((text) => text.slice(2));
        const expected: number[] = [];
        for (let value = first; value <= first + span; value += step) expected.push(value);
        expect(numbers.map(Number)).toEqual(expected);
        for (const text of numbers) {
          expect(text.length).toBe(Math.max(`${Number(text)}`.length, padded ? start.length : 1));
        }
      },
    ),
  );
});

it('never throws, and never lets a bracket through', () => {
  const piece = fc.constantFrom('[', ']', ':', '-', '1', '07', 'a', 'zz', 'node', '.');
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 14 }), (pieces) => {
      const expansion = expandRanges(pieces.join(''));
      if ('texts' in expansion) expect(expansion.texts.join('')).not.toMatch(/[[\]]/);
      else expect(expansion.fault.why).not.toBe('');
    }),
    { numRuns: 2000 },
  );
});
