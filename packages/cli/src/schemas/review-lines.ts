import { z } from 'zod';
import { changeSchema, countSchema, handlerSchema, stepSchema } from '@skerry/runbook';

const presence = z.strictObject({
  host: z.string(),
  at: z.string().describe('file:line:column'),
  steps: z.int(),
});

const input = z.strictObject({
  path: z.string().describe('node.swap, kubernetes.network.proxy, facts.kernel, hosts'),
  value: z.unknown(),
  level: z.string().describe('default, cluster, group NAME, host NAME, facts'),
  position: z.string().optional().describe('file:line:column'),
});

const verdict = {
  verdict: z.enum(['allowed', 'denied']),
  rules: z.array(z.string()).describe('Every rule that was looked at: deny.hosts[0]'),
  findings: z.array(
    z.strictObject({
      rule: z.enum(['opaque', 'format', 'reboot', 'hosts', 'steps', 'otherSteps']),
      path: z.string(),
      at: z.string().describe('file:line:column, or --deny'),
      what: z.string(),
      hosts: z.array(z.string()),
      steps: z.array(z.string()).describe('play › step'),
      denies: z.boolean().describe('false: it is held when the plan is applied'),
    }),
  ),
};

const driftCause = z.enum(['by-hand', 'both', 'inventory', 'never-applied']);

/** What `diff`, `explain`, `show`, policies and `plan --refresh-only` answer with `--json`. */
export const reviewLine = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('saved-plan'),
    runbook: z.string(),
    cluster: z.string(),
    created: z.string().describe('ISO 8601, UTC'),
    tool: z.string().describe('The version of Skerry that made it'),
    inventory: z.string(),
    digest: z.string().describe('sha256:…, of the plan file'),
    hosts: z.array(z.string()),
    count: countSchema,
    policy: z.strictObject(verdict).optional(),
    plays: z.array(
      z.strictObject({
        play: z.string(),
        blocks: z
          .array(
            z.strictObject({
              hosts: z.array(z.string()),
              steps: z.array(stepSchema.omit({ converge: true })),
              handlers: z.array(handlerSchema.omit({ fragment: true })),
            }),
          )
          .describe('What is the same on several hosts, once'),
      }),
    ),
  }),
  z.strictObject({
    type: z.literal('diff'),
    runbook: z.string(),
    cluster: z.string(),
    inventory: z.string(),
    from: z.string(),
    to: z.string(),
    hosts: z.array(z.string()),
    added: z.array(presence),
    removed: z.array(presence),
    plays: z.array(
      z.strictObject({
        play: z.string(),
        blocks: z.array(
          z.strictObject({
            hosts: z.array(z.string()),
            steps: z.array(
              z.strictObject({
                id: z.string(),
                action: z.enum(['create', 'update', 'delete']),
                summary: z.string(),
                because: z.array(z.string()).describe('What caused it: place, what it was and is'),
                changes: z.array(changeSchema).describe('As on the first host'),
                others: z
                  .array(
                    z.strictObject({
                      hosts: z.array(z.string()),
                      changes: z.array(changeSchema),
                    }),
                  )
                  .describe('Hosts on which the same cause makes another text'),
              }),
            ),
          }),
        ),
      }),
    ),
    totals: z.strictObject({
      hosts: z.int(),
      changedHosts: z.int(),
      steps: z.int().describe('On hosts'),
      blocks: z.int().describe('What hosts share counted once'),
    }),
    notes: z.array(z.string()),
  }),
  z.strictObject({
    type: z.literal('explanation'),
    host: z.string(),
    runbook: z.string(),
    play: z.string(),
    at: z.string().optional().describe('Where the play begins'),
    template: z.string().optional(),
    id: z.string(),
    kind: z.string(),
    summary: z.string(),
    needs: z.array(z.string()),
    notifies: z.array(z.string()),
    because: z.array(input).describe('What decides whether the step is asked for at all'),
    values: z.array(
      z.strictObject({
        path: z.string(),
        value: z.string(),
        from: z.array(input).describe('Empty: the runbook or the step itself says it'),
        rule: z
          .strictObject({ rule: z.string(), reason: z.string(), source: z.string() })
          .optional(),
      }),
    ),
    notes: z.array(z.string()),
  }),
  z.strictObject({ type: z.literal('policy'), ...verdict }),
  z.strictObject({
    type: z.literal('drift'),
    runbook: z.string(),
    cluster: z.string(),
    hosts: z.int().describe('That were read'),
    changedHosts: z.int(),
    unread: z.array(z.string()),
    counts: z.record(driftCause, z.int()).describe('Steps on hosts'),
    blocks: z.array(
      z.strictObject({
        hosts: z.array(z.string()),
        play: z.string(),
        id: z.string(),
        cause: driftCause,
        since: z.string().optional().describe('The last apply, ISO 8601'),
        byHand: z.array(changeSchema).describe('To be as the last apply left it'),
        asked: z.array(changeSchema).describe('What is asked for otherwise since then'),
      }),
    ),
  }),
]);
