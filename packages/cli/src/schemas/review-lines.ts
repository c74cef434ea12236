import { z } from 'zod';
import { changeSchema } from '@skerry/runbook';

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

/** What `diff`, `explain`, policies and `plan --refresh-only` answer with `--json`. */
export const reviewLine = z.discriminatedUnion('type', [
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
]);
