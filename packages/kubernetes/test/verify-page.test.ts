import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checks } from '../src/index.ts';
import { verifyPage } from '../src/verification/verify-page.ts';

describe('docs/verify.md', () => {
  const page = readFileSync(new URL('../../../docs/verify.md', import.meta.url), 'utf8');

  it('is what the checks say; `npm run page --workspace packages/kubernetes` writes it', () => {
    expect(page).toBe(verifyPage());
  });

  it.each(checks)('has a row for $id', (check) => {
    const { id, title, on } = check;
    expect(id).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
    expect(page).toContain(`| \`${id}\` | ${title}. |`);
    // Whoever is asked must be asked something; the API is read for all.
    if (on === 'operator') expect('calls' in check).toBe(true);
    else if (on !== 'api') expect('fragment' in check).toBe(true);
  });
});
