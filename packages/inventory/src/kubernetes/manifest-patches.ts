import { z } from 'zod';

/** Changes of objects of a manifest of the bundle, by `KIND NAME`, of which `example` is one. */
export function manifestPatches(example: string) {
  return z
    .record(
      z.string().regex(/^[A-Z][A-Za-z]+ [a-z0-9]([a-z0-9.:-]*[a-z0-9])?$/, `KIND NAME: ${example}`),
      z.record(z.string(), z.unknown()),
    )
    .default({})
    .describe(
      `Changes of objects of its manifest, like "${example}": fields are merged, lists by name, null takes away`,
    );
}
