import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { components, distributions, kubernetesReleases, proxyModes, rules } from '../src/index.ts';
import { rulesPage } from '../src/rules-page.ts';

const page = readFileSync(new URL('../../../docs/check.md', import.meta.url), 'utf8');

describe('docs/check.md', () => {
  test('is what the rules say; `npm run page --workspace packages/kubernetes` writes it', () => {
    expect(page).toBe(rulesPage());
  });

  test.each(rules)('names $id with its reason, fix and source', ({ id, fix, source, reason }) => {
    expect(id).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
    for (const text of [fix, source, reason]) expect(text.length).toBeGreaterThan(5);
    const row = page.split('\n').find((line) => line.startsWith(`| \`${id}\` |`));
    expect(row).toContain(source);
    expect(row).toContain(reason.slice(1));
  });
});

test('every entry of the matrix has a source and a date', () => {
  const entries = [...kubernetesReleases, ...proxyModes, ...components, ...distributions];
  for (const { source, date } of entries) {
    expect(source).toMatch(/\S/);
    expect(date).toMatch(/^20\d\d-\d\d-\d\d$/);
  }
});
