import { readdirSync, readFileSync } from 'node:fs';
import { parse as parseYaml } from 'yaml';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { inventoryJsonSchema, inventoryJsonSchemaText, parseInventory } from '../src/index.ts';

const committed = new URL('../inventory.schema.json', import.meta.url);
const examples = new URL('../../../inventory/', import.meta.url);
const files = readdirSync(examples).filter((file) => file.endsWith('.yaml'));

type Node = { [key: string]: unknown };

describe('inventory.schema.json', () => {
  it('is what the schema says; `npm run schema --workspace packages/inventory` writes it', () => {
    expect(readFileSync(committed, 'utf8')).toBe(inventoryJsonSchemaText());
  });

  it('describes every key, so that editors can help', () => {
    const bare: string[] = [];
    const walk = (node: unknown, path: string): void => {
      if (typeof node !== 'object' || node === null) return;
      const properties = (node as Node)['properties'];
      for (const [key, value] of Object.entries((properties ?? {}) as Node)) {
        if (!describes(value as Node)) bare.push(`${path}.${key}`);
      }
      for (const [key, value] of Object.entries(node)) walk(value, `${path}.${key}`);
    };
    const schema = inventoryJsonSchema();
    const definitions = schema['definitions'] as Node;
    const describes = (node: Node): boolean =>
      typeof node['description'] === 'string' ||
      [...((node['anyOf'] ?? node['allOf'] ?? []) as Node[])].some(describes) ||
      (typeof node['$ref'] === 'string' &&
        describes(definitions[node['$ref'].replace('#/definitions/', '')] as Node));
    walk(schema, '');
    expect(bare).toEqual([]);
  });

  const schema = z.fromJSONSchema(JSON.parse(readFileSync(committed, 'utf8')) as Node);

  it.each(files)('accepts %s, as an editor would', (file) => {
    const text = readFileSync(new URL(file, examples), 'utf8');
    expect(schema.safeParse(parseYaml(text)).error).toBeUndefined();
  });

  it.each([
    { cluster: { name: 'x' }, clustre: 1 },
    { cluster: {} },
    { cluster: { name: 'x', connection: { port: '22' } } },
    { cluster: { name: 'x', secrets: { a: 'hunter2' } } },
    {
      cluster: { name: 'x' },
      groups: { a: { children: { b: { hosts: { n: { adress: '' } } } } } },
    },
  ])('refuses %j, as an editor would', (value) => {
    expect(schema.safeParse(value).success).toBe(false);
  });
});

describe('the examples', () => {
  it.each(files)('%s names the schema in its first line, and is without fault', (file) => {
    const text = readFileSync(new URL(file, examples), 'utf8');
    const [first] = text.split('\n');
    const reference = /^# yaml-language-server: \$schema=(\S+)$/.exec(first ?? '')?.[1];
    expect(new URL(reference ?? '', new URL(file, examples)).href).toBe(committed.href);
    expect(parseInventory(text, file).hosts.length).toBeGreaterThan(1);
  });
});
