import { expect, test } from 'vitest';
import { valueChanges } from '../src/desired/value-changes.ts';

const hidden = { content: 'one\n', mode: '0600', sensitive: true };
const said = { subject: 'content', action: 'update', why: 'not shown: sensitive' };

test('of what is sensitive it is told that it differs, and never what stands in it', () => {
  expect(valueChanges(hidden, { ...hidden, content: 'two\n' })).toEqual([said]);
  expect(valueChanges(hidden, { ...hidden, mode: '0640' })).toEqual([
    { subject: 'mode', action: 'update', before: '"0600"', after: '"0640"' },
  ]);
  expect(valueChanges(hidden, hidden)).toEqual([]);
});

test('nor where it became sensitive, or is so no more, or is new, or gone', () => {
  const open = { ...hidden, sensitive: false, content: 'two\n' };
  for (const [before, after] of [
    [open, hidden],
    [hidden, open],
    [undefined, hidden],
    [hidden, undefined],
  ]) {
    const changes = valueChanges(before, after);
    expect(changes).toContainEqual(said);
    expect(JSON.stringify(changes)).not.toMatch(/one|two/);
  }
});
