import { z } from 'zod';

type Schema = z.core.$ZodType;

/** Schemas inside wrappers (optional, default, …), and each option of a union. */
function inside(schema: Schema): readonly Schema[] {
  if (schema instanceof z.ZodUnion) return schema.options.flatMap(inside);
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault
  ) {
    return inside(schema.unwrap());
  }
  if (schema instanceof z.ZodPipe) return inside(schema.in);
  return [schema];
}

function below(schema: Schema, key: PropertyKey): readonly Schema[] {
  return inside(schema).flatMap((inner) => {
    if (inner instanceof z.ZodObject)
      return (inner.shape as Record<string, Schema>)[String(key)] ?? [];
    if (inner instanceof z.ZodRecord) return inner.valueType;
    return inner instanceof z.ZodArray ? inner.element : [];
  });
}

/** The keys that a map at this path may have; empty where it may have any. */
export function knownKeysAt(schema: Schema, path: readonly PropertyKey[]): readonly string[] {
  let at: readonly Schema[] = [schema];
  for (const key of path) at = at.flatMap((one) => below(one, key));
  return at
    .flatMap(inside)
    .flatMap((one) => (one instanceof z.ZodObject ? Object.keys(one.shape) : []));
}
