import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import * as exported from '../src/index.ts';
import debian from './fixtures/packageRepository/debian.ts';
import type { AnyStepKind, Step } from '../src/index.ts';

const docs = readFileSync(join(import.meta.dirname, '../../../docs/steps.md'), 'utf8');
const rows = [...docs.matchAll(/^\| `(\w+)` \| (.+) \| `(.+)` \|$/gm)].map(
  ([, kind = '', text = '', example = '']) => ({ kind, text, example }),
);

const repository = (debian.fixtures[0]?.desired ?? {}) as Record<string, unknown>;

/** What the examples name without giving it. */
const given = {
  key: repository['key'],
  fingerprints: repository['fingerprints'],
  sshKey: 'ssh-ed25519 AAAAkari kari@example',
  endpoint: '10.0.0.1:6443',
};

function stepOf(example: string): Step {
  const scope = { ...exported, ...given };
  // oxlint-disable-next-line no-new-func, typescript/no-implied-eval -- a page of our own, as its readers use it
  const make = new Function(...Object.keys(scope), `return ${example};`) as (
    ...values: unknown[]
  ) => Step;
  return make(...Object.values(scope));
}

test('every step kind has its row, once, and every row is a step kind', () => {
  const kinds = Object.entries(exported)
    .filter(([name]) => name.endsWith('Kind'))
    .map(([, kind]) => (kind as AnyStepKind).kind);
  expect(kinds.length).toBeGreaterThan(20);
  expect(rows.map(({ kind }) => kind).toSorted()).toEqual(kinds.toSorted());
});

test.each(rows)('the example of $kind is a step of that kind, as its schema wants it', (row) => {
  const step = stepOf(row.example);
  expect(step.kind.kind).toBe(row.kind);
  const desired: unknown =
    step.resolve?.({
      render: (name) => name,
      source: (name) => name,
      manifest: (name) => name,
      chart: (name) => name,
    }) ?? step.desired;
  const result = step.kind.schema.safeParse(desired);
  expect(result.error?.issues ?? []).toEqual([]);
  expect(step.kind.summary(result.data)).not.toBe('');
});

test('the options that the page names are options', () => {
  for (const { kind, text, example } of rows) {
    const { shape } = stepOf(example).kind.schema as { shape?: Record<string, unknown> };
    if (shape === undefined) continue;
    const known = new Set([...Object.keys(shape), 'source', 'vars', 'keyFile', 'arguments']);
    const named = [...text.matchAll(/`(\w+)(?:: true)?`/g)].map(([, name = '']) => name);
    expect({ kind, unknown: named.filter((name) => !known.has(name)) }).toEqual({
      kind,
      unknown: [],
    });
  }
});
