import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SecretBook } from '../src/index.ts';
import { LineFeed } from '../src/line-feed.ts';

function book(secrets: Record<string, string>): SecretBook {
  const made = new SecretBook();
  for (const [name, value] of Object.entries(secrets)) made.add(`⟦secret:env:${name}⟧`, value);
  return made;
}

describe('SecretBook', () => {
  test('replaces in one pass: a value that looks like a token or part of one does no harm', () => {
    const secrets = book({ A: 'env', B: '⟦secret:env:A⟧', C: '' });
    expect(secrets.conceal('env x')).toBe('⟦secret:env:A⟧ x');
    expect(secrets.reveal('⟦secret:env:B⟧')).toBe('⟦secret:env:A⟧');
    expect(secrets.reveal('[⟦secret:env:C⟧]')).toBe('[]');
  });

  test('conceals the longest value first, with characters of regular expressions', () => {
    const secrets = book({ SHORT: 'a.b', LONG: 'a.b$&c' });
    expect(secrets.conceal('a.b$&c a.b axb')).toBe('⟦secret:env:LONG⟧ ⟦secret:env:SHORT⟧ axb');
    expect(secrets.reveal('⟦secret:env:LONG⟧')).toBe('a.b$&c');
  });

  test('equal secrets have one token', () => {
    const secrets = book({ A: 'same', B: 'same' });
    expect(secrets.canonical('⟦secret:env:B⟧')).toBe('⟦secret:env:A⟧');
    expect(secrets.canonical('⟦secret-base64:env:B⟧')).toBe('⟦secret-base64:env:A⟧');
  });

  test('knows a secret in base64, which fits into JSON whatever it holds', () => {
    const secrets = book({ A: 'tø"\\\n' });
    const sent = secrets.reveal('{"password":"⟦secret-base64:env:A⟧"}');
    const { password } = JSON.parse(sent) as { password: string };
    expect(Buffer.from(password, 'base64').toString('utf8')).toBe('tø"\\\n');
    expect(secrets.conceal(`password: ${password}`)).toBe('password: ⟦secret-base64:env:A⟧');
  });
});

test('output as it comes never shows a secret, however it is cut', () => {
  const key = '-----BEGIN-----\nabc\nabd\n-----END-----\n';
  const secrets = book({ KEY: key, WORD: 'hunter2', OPEN: 'first\nsecond' });
  const text = `Ærø\n${key}abc hunter2\n-----BEGIN-----\nabc\nrest first\nsecond tail\nfirst\nhunter2`;
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1 }), (sizes) => {
      const pieces: string[] = [];
      const feed = new LineFeed(secrets, (_part, piece) => pieces.push(piece));
      const bytes = Buffer.from(text);
      for (let at = 0, turn = 0; at < bytes.length; turn++) {
        const size = sizes[turn % sizes.length] ?? 1;
        feed.push(bytes.subarray(at, at + size));
        at += size;
      }
      feed.flush();
      expect(pieces.join('')).toBe(secrets.conceal(text));
      expect(
        pieces.slice(0, -1).every((piece) => piece.endsWith('\n') || piece.endsWith('⟧')),
      ).toBe(true);
    }),
  );
});
