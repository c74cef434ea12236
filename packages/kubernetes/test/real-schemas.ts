import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';

type Schema = { [key: string]: unknown };

function isMap(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * A schema in which every name that it does not list is wrong, as upstream's let unknown names pass;
 * cut to the names that `values` have, as upstream's are long.
 */
function closed(node: unknown, values: readonly unknown[]): unknown {
  if (!isMap(node)) return node;
  const { properties, items, additionalProperties } = node;
  const kept = Object.entries(node).filter(
    ([key, value]) =>
      !/^(x-.*|description|default|format|properties|items|additionalProperties)$/.test(key) &&
      // Go's (?i) is no regular expression here.
      (key !== 'pattern' || !String(value).includes('(?i)')),
  );
  const maps = values.filter(isMap);
  const names = new Set([...maps.flatMap(Object.keys), ...((node['required'] ?? []) as string[])]);
  const listed = isMap(properties) ? properties : {};
  const inner = Object.entries(listed)
    .filter(([name]) => names.has(name))
    .map(([name, schema]) => [
      name,
      closed(
        schema,
        maps.flatMap((map) => map[name] ?? []),
      ),
    ]);
  const isOpen =
    node['x-kubernetes-preserve-unknown-fields'] === true || Object.keys(listed).length === 0;
  return {
    ...Object.fromEntries(kept),
    ...(inner.length > 0 ? { properties: Object.fromEntries(inner) as Schema } : {}),
    ...(items === undefined ? {} : { items: closed(items, values.flat()) }),
    ...(isMap(additionalProperties)
      ? { additionalProperties: closed(additionalProperties, maps.flatMap(Object.values)) }
      : isOpen
        ? {}
        : { additionalProperties: false }),
  };
}

/** What is wrong with values by a JSON Schema, one line each. */
function faults(schema: unknown, value: unknown): string[] {
  const judge = z.fromJSONSchema(closed(schema, [value]) as z.core.JSONSchema.BaseSchema);
  const result = judge.safeParse(value);
  return (result.error?.issues ?? []).map(
    ({ path, message }) => `${path.map(String).join('.')}: ${message}`,
  );
}

/**
 * Faults of a chart's values by its values.schema.json. That is made from the values that have a
 * default, so that a name it does not list is right where a template of the chart reads it.
 */
export function chartFaults(chart: string, values: unknown): string[] {
  const text = readFileSync(join(chart, 'values.schema.json'), 'utf8');
  const templates = globSync(`${chart}/templates/**/*.{yaml,tpl}`)
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n');
  return faults(JSON.parse(text), values).filter((fault) => {
    const [, path = '', key = ''] = /^(.*): Unrecognized key: "(.*)"$/.exec(fault) ?? [];
    const read = ['.Values', ...(path === '' ? [] : [path]), key].join('.');
    const isRead = templates
      .split(read)
      .slice(1)
      .some((rest) => !/^\w/.test(rest));
    return key === '' || !isRead;
  });
}

interface Definition {
  readonly spec: {
    readonly group: string;
    readonly names: { readonly kind: string };
    readonly versions: readonly {
      readonly name: string;
      readonly served: boolean;
      readonly schema: { readonly openAPIV3Schema: Schema };
    }[];
  };
}

/** Faults of objects by CustomResourceDefinitions; an object whose definition is not among them is one. */
export function objectFaults(
  definitions: readonly string[],
  objects: readonly unknown[],
): string[] {
  // Definitions are long: only those that are asked for are read.
  const kinds = objects.map((one) => `kind: ${(one as { kind: string }).kind}\n`);
  const known = new Map<string, Schema>(
    definitions
      .flatMap((text) => text.split(/^---$/m))
      .filter((text) => kinds.some((kind) => text.includes(kind)))
      .map((text) => parse(text) as Definition | null)
      .flatMap((definition) =>
        (definition?.spec?.versions ?? [])
          .filter(({ served }) => served)
          .map(({ name, schema }) => {
            const { group, names } = (definition as Definition).spec;
            const id: string = `${group}/${name} ${names.kind}`;
            return [id, schema.openAPIV3Schema] as const;
          }),
      ),
  );
  return objects.flatMap((one) => {
    const { apiVersion, kind, metadata } = one as {
      apiVersion: string;
      kind: string;
      metadata: { name: string };
    };
    const schema = known.get(`${apiVersion} ${kind}`);
    const name = `${kind} ${metadata.name}`;
    if (schema === undefined) return [`${name}: there is no ${apiVersion} ${kind}`];
    return faults(schema, one).map((fault) => `${name}: ${fault}`);
  });
}
