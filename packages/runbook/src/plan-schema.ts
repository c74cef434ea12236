import { z } from 'zod';
import type { Plan } from './plan.ts';

export const changeSchema = z.strictObject({
  subject: z.string(),
  action: z.enum(['create', 'update', 'delete', 'run', 'refuse']),
  before: z.string().optional(),
  after: z.string().optional(),
  diff: z.string().optional(),
  why: z.string().optional(),
  fix: z.string().optional(),
});

const plainArgument = z.union([
  z.string(),
  z.strictObject({ sha256Of: z.string() }),
  z.strictObject({ sha256OfBase64: z.string() }),
]);

const argument = z.union([
  ...plainArgument.options,
  z.strictObject({
    readOn: z.array(z.string()),
    fragment: z.strictObject({ code: z.string(), args: z.array(plainArgument) }),
  }),
]);

const fragment = z.strictObject({
  code: z.string(),
  args: z.array(argument),
  artifacts: z
    .array(z.strictObject({ path: z.string(), sha256: z.string(), size: z.int() }))
    .optional(),
});

export const confidence = z.discriminatedUnion('level', [
  z.strictObject({ level: z.literal('exact') }),
  z.strictObject({
    level: z.literal('conditional'),
    on: z.array(z.string()),
    foreseen: z.literal(true).optional(),
  }),
  z.strictObject({ level: z.literal('opaque'), why: z.string() }),
]);

export const stepSchema = z.strictObject({
  id: z.string(),
  summary: z.string(),
  changes: z.array(changeSchema),
  confidence,
  converge: fragment,
  notify: z.array(z.string()),
});

export const handlerSchema = z.strictObject({
  id: z.string(),
  fragment,
  because: z.array(z.string()),
  leftover: z.boolean(),
});

const playPlan = z.strictObject({
  play: z.string(),
  steps: z.array(stepSchema),
  handlers: z.array(handlerSchema),
  converged: z.int(),
  skipped: z.array(z.string()),
});

/** The form of a `Plan` as JSON. */
export const planSchema = z.strictObject({
  schema: z.literal(1),
  runbook: z.string(),
  cluster: z.string(),
  order: z.array(z.string()),
  hosts: z.array(z.strictObject({ host: z.string(), plays: z.array(playPlan) })),
}) as unknown as z.ZodType<Plan>;
