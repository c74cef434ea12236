import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';

type Schema = { [key: string]: unknown };

function modules(): string {
  try {
    return execFileSync('go', ['env', 'GOMODCACHE'], { encoding: 'utf8' }).trim();
  } catch {
    return join(homedir(), 'go/pkg/mod');
  }
}

/** A folder of a Go module in the cache of this machine; undefined where it is not there. */
export function goModule(name: string, version: string): string | undefined {
  const folder = join(modules(), `${name}@${version}`);
  return existsSync(folder) ? folder : undefined;
}

/** A schema in which every name that it does not list is wrong: upstream's let unknown names pass. */
function closed(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(closed);
  if (typeof node !== 'object' || node === null) return node;
  const { format: _, ...rest } = Object.fromEntries(
    Object.entries(node as Schema)
      .filter(([key]) => !key.startsWith('x-') && key !== 'description' && key !== 'default')
      // Go's (?i) is no regular expression here.
      .filter(([key, value]) => key !== 'pattern' || !String(value).includes('(?i)'))
      .map(([key, value]) => [key, closed(value)]),
  );
  const isOpen =
    (node as Schema)['x-kubernetes-preserve-unknown-fields'] === true ||
    rest['properties'] === undefined ||
    rest['additionalProperties'] !== undefined;
  return isOpen ? rest : { ...rest, additionalProperties: false };
}

/** What is wrong with values by a JSON Schema, one line each. */
function faults(schema: unknown, value: unknown): string[] {
  const judge = z.fromJSONSchema(closed(schema) as z.core.JSONSchema.BaseSchema);
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
