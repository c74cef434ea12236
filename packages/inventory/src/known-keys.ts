import type { z } from 'zod';

type Schema = z.core.$ZodType;

/** Schemas inside wrappers (optional, default, …), and each option of a union. */
function* inside(schema: Schema): Generator<Schema> {
  const def = (schema as z.core.$ZodTypes)._zod.def;
  if ('innerType' in def) yield* inside(def.innerType);
  else if (def.type === 'union') for (const option of def.options) yield* inside(option);
  else yield schema;
}

function* next(schema: Schema, key: PropertyKey): Generator<Schema> {
  for (const inner of inside(schema)) {
    const def = (inner as z.core.$ZodTypes)._zod.def;
    if (def.type === 'object') {
      const found = def.shape[String(key)];
      if (found !== undefined) yield found;
    } else if (def.type === 'record') yield def.valueType;
    else if (def.type === 'array') yield def.element;
  }
}

/** The keys that a map at this path may have; empty where it may have any. */
export function knownKeysAt(schema: Schema, path: readonly PropertyKey[]): readonly string[] {
  let at = [schema];
  for (const key of path) at = at.flatMap((one) => [...next(one, key)]);
  return at
    .flatMap((one) => [...inside(one)])
    .flatMap((one) => {
      const def = (one as z.core.$ZodTypes)._zod.def;
      return def.type === 'object' ? Object.keys(def.shape) : [];
    });
}
