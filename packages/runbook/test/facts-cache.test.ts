import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cachedFacts, cacheFacts } from '../src/facts-cache.ts';
import { factsOf } from './facts-of.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'skerry-facts-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('facts are kept whole, for their owner only, under a name that stays in the folder', async () => {
  for (const host of ['a', '../../etc/x']) {
    await cacheFacts(folder, host, factsOf(host));
    expect(await cachedFacts(folder, host)).toEqual(factsOf(host));
  }
  const kept = join(folder, 'facts');
  expect(statSync(kept).mode & 0o777).toBe(0o700);
  expect(readdirSync(kept)).toEqual(['..%2F..%2Fetc%2Fx.json', 'a.json']);
  for (const name of readdirSync(kept)) {
    expect(statSync(join(kept, name)).mode & 0o777).toBe(0o600);
  }
});

test('a folder that cannot be written to costs a question, not the run', async () => {
  const file = join(folder, 'no-folder');
  writeFileSync(file, '');
  await cacheFacts(file, 'a', factsOf('a'));
  expect(await cachedFacts(file, 'a')).toBeUndefined();
});

test('nothing, a torn file, and the shape of another version are no facts', async () => {
  const file = join(folder, 'facts', 'b.json');
  expect(await cachedFacts(folder, 'b')).toBeUndefined();
  await cacheFacts(folder, 'b', factsOf('b'));
  const whole = readFileSync(file, 'utf8');
  writeFileSync(file, whole.slice(0, -20));
  expect(await cachedFacts(folder, 'b')).toBeUndefined();
  writeFileSync(file, whole.replace(/"version":\d+/, '"version":0'));
  expect(await cachedFacts(folder, 'b')).toBeUndefined();
});
