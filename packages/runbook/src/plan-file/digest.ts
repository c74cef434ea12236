import { createHash } from 'node:crypto';
import type { PlanFile, PlanFileContent } from './schema.ts';

export function sha256(content: string | Uint8Array): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

/** The digest of a plan: of everything in it but the digest. */
export function digestOf(file: PlanFileContent | PlanFile): string {
  return sha256(canonicalJson({ ...file, digest: undefined }));
}

/** JSON with the keys of objects in order, so that equal values give equal texts. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value ?? null, (_key, item: unknown) => {
    if (item instanceof Map || item instanceof Set) return [...(item as Iterable<unknown>)];
    if (item === null || typeof item !== 'object' || Array.isArray(item)) return item;
    return Object.fromEntries(
      Object.entries(item).toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
    );
  });
}

/** Puts the digest where the schema has it. */
export function sealed(content: PlanFileContent): PlanFile {
  const { format, schema, ...rest } = content;
  return { format, schema, digest: digestOf(content), ...rest };
}

/** The bytes of a plan file: one line for each entry of a table, so that versions can be compared. */
export function planFileText(file: PlanFile): string {
  const lines = Object.entries(file).map(([key, value]) => {
    const entry = (item: unknown): string => `\n    ${JSON.stringify(item)}`;
    const shown =
      Array.isArray(value) && value.length > 0
        ? `[${value.map(entry).join(',')}\n  ]`
        : JSON.stringify(value);
    return `  ${JSON.stringify(key)}: ${shown}`;
  });
  return `{\n${lines.join(',\n')}\n}\n`;
}
