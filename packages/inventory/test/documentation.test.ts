import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { connectionSettings, nodeSettings } from '../src/index.ts';
import { parse } from './faults.ts';

const page = readFileSync(new URL('../../../docs/inventory.md', import.meta.url), 'utf8');
const examples = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');

describe('docs/inventory.md', () => {
  it('has examples that are without fault', () => {
    expect(examples.length).toBeGreaterThan(3);
    for (const example of examples) expect(parse(example).hosts.length).toBeGreaterThan(0);
  });

  it('says of the merge what the merge does', () => {
    const bergen = parse(examples.find((example) => example.includes('bergen')) ?? '');
    expect(bergen.hosts[0]?.vars).toEqual({
      region: 'bergen',
      dns: ['10.40.0.2'],
      mtu: { nodes: 9000, public: 1400 },
    });
  });

  it('names every key', () => {
    for (const key of [
      ...Object.keys(connectionSettings.shape),
      ...Object.keys(nodeSettings.shape),
    ]) {
      expect(page).toContain(`\`${key}\``);
    }
  });
});
