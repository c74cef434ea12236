import { z } from 'zod';

/** Where something is: in a file, or on a host. */
export const position = z.union([
  z.strictObject({
    file: z.string(),
    line: z.int().describe('From 1'),
    column: z.int().describe('From 1'),
    text: z.string().optional().describe('The text of that line'),
    length: z.int().optional().describe('How many characters are meant'),
  }),
  z.strictObject({ host: z.string(), step: z.string().optional().describe('play › step') }),
]);

/** A finding, as every command tells it. */
export const diagnostic = z.strictObject({
  code: z.string().describe('Stable, lower case with hyphens'),
  severity: z.enum(['error', 'warning']),
  what: z.string(),
  at: position.optional(),
  host: z
    .string()
    .optional()
    .describe('The host that it is about, where "at" is its line in the inventory'),
  why: z.string().optional(),
  fix: z.string().optional(),
});
