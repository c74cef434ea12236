import { z } from 'zod';
import { confidence } from '../plan-schema.ts';

/** Raised when the form below changes: a plan of another form is refused, never guessed at. */
export const planFileVersion = 1;

const sha256 = z
  .string()
  .regex(/^sha256:[0-9a-f]{64}$/)
  .describe('SHA-256 in lower-case hexadecimal');

const text = z.int().nonnegative().describe('Index in `texts`');

/** Relative, below the folder it is looked up in, whatever that is. */
const pathBelow = z
  .string()
  .regex(/^(?!\/)(?!(?:[^]*\/)?\.\.(?:\/|$))[^\\\p{Cc}]+$/u)
  .describe('Relative path that stays below its folder');

const revision = z
  .strictObject({
    commit: z.string().regex(/^[0-9a-f]{40,64}$/),
    dirty: z.boolean().describe('The working tree held changes that were not committed'),
  })
  .describe('The git revision of the working tree it lies in');

const source = {
  path: pathBelow.describe('Below the top of its git working tree, or the folder of the command'),
  sha256: sha256.describe('Of the bytes of the file'),
  revision: revision.optional(),
};

const plainArgument = z.union([
  z.strictObject({ text }),
  z.strictObject({ sha256Of: text }),
  z.strictObject({ sha256OfBase64: text }),
]);
export type PlainFileArg = z.infer<typeof plainArgument>;

const argument = z.union([
  ...plainArgument.options,
  z
    .strictObject({
      readOn: z.array(z.string()).describe('Hosts, the first choice first'),
      code: text,
      args: z.array(plainArgument),
    })
    .describe('Made by one of these hosts when the plan is applied; never in a plan'),
]);

const artifact = z.strictObject({
  path: pathBelow.describe('In the bundle'),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  size: z.int().nonnegative().describe('Bytes'),
});

const fragment = z
  .strictObject({
    code: text,
    args: z.array(argument),
    artifacts: z
      .array(artifact)
      .optional()
      .describe('Files of the bundle that are brought to the host before'),
  })
  .describe('POSIX sh and its positional parameters, as they are sent');

const change = z.strictObject({
  subject: z.string(),
  action: z.enum(['create', 'update', 'delete', 'run', 'refuse']),
  before: z.string().optional(),
  after: z.string().optional(),
  diff: text.optional().describe('Unified diff: index in `texts`'),
  why: z.string().optional(),
  fix: z.string().optional(),
});

const step = z.strictObject({
  id: z.string(),
  summary: z.string(),
  changes: z.array(change),
  confidence,
  converge: fragment,
  notify: z.array(z.string()),
});

const handler = z.strictObject({
  id: z.string(),
  fragment,
  because: z.array(z.string()),
  leftover: z.boolean(),
});

const play = z.strictObject({
  play: z.string(),
  steps: z.array(z.int().nonnegative()).describe('Indices in `steps`'),
  handlers: z.array(z.int().nonnegative()).describe('Indices in `handlers`'),
  converged: z.int().nonnegative(),
  skipped: z.array(z.string()),
});

const observation = z.strictObject({
  step: z.string().describe('play › step'),
  fingerprint: z
    .string()
    .regex(/^[0-9a-f]{16}$/)
    .describe('HMAC-SHA-256 of what was observed, with the plan key; the first 64 bits'),
});

const host = z.strictObject({
  host: z.string(),
  hostKey: z.string().nullable().describe('`SHA256:…` of the SSH host key; null for local'),
  machineId: z.string().describe('/etc/machine-id'),
  plays: z.array(z.int().nonnegative()).describe('Indices in `plays`'),
  observed: z.array(z.int().nonnegative()).describe('Indices in `observations`'),
});

const secret = z.strictObject({
  token: z.string().describe('`⟦secret:env:NAME⟧`: resolved again when the plan is applied'),
  digest: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .describe('HMAC-SHA-256 of the value, with the plan key'),
});

/**
 * A plan on disk. What several steps or hosts share stands once, in a table, and is referred to by
 * its index: a plan of 1,000 hosts that get the same changes is hardly larger than that of one.
 */
export const planFileSchema = z.strictObject({
  format: z.literal('skerry-plan'),
  schema: z.literal(planFileVersion),
  digest: sha256.describe('Of everything else, as JSON without spaces, keys in order'),
  tool: z.string().describe('Version of Skerry'),
  created: z.iso.datetime().describe('UTC, whole seconds'),
  cluster: z.string(),
  inventory: z.strictObject(source),
  runbook: z.strictObject({
    name: z.string(),
    order: z.array(z.string()).describe('Names of its plays, in the order in which they run'),
    builtin: z.boolean().describe('It came with Skerry: `path` is below the installation'),
    ...source,
  }),
  selection: z.strictObject({
    limit: z.string().optional().describe('`--limit`'),
    tags: z.array(z.string()).optional().describe('`--tags`'),
  }),
  key: z
    .string()
    .regex(/^[0-9a-f]{16}$/)
    .describe('Which plan key the keyed digests were made with: names it, does not tell it'),
  secrets: z.array(secret),
  texts: z.array(z.string()),
  steps: z.array(step),
  handlers: z.array(handler),
  plays: z.array(play),
  observations: z.array(observation),
  hosts: z.array(host),
});
export type PlanFile = z.infer<typeof planFileSchema>;
export type PlanFileContent = Omit<PlanFile, 'digest'>;

/** docs/plan.schema.json, as text. */
export function planFileSchemaText(): string {
  const { $schema, ...rest } = z.toJSONSchema(planFileSchema, { io: 'output' });
  const head = {
    title: 'A saved plan of Skerry',
    description: 'Generated by npm run schemas; see docs/review.md',
  };
  return `${JSON.stringify({ $schema, ...head, ...rest }, null, 2)}\n`;
}
