import { z } from 'zod';

/** What a step must know of an artifact so that the engine can bring it to a host. */
export const artifactFields = {
  path: z.string().min(1),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256 in lower-case hex'),
  size: z.int().nonnegative(),
};
