import { z } from 'zod';
import { diagnostic } from './diagnostic.ts';

/** What `bundle` and `endpoints` print with `--json`. */
export const bundleLine = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('bundle-verified'),
    folder: z.string(),
    artifacts: z.int(),
    bytes: z.int(),
    errors: z.int(),
    warnings: z.int(),
    findings: z.array(diagnostic),
  }),
  z.strictObject({
    type: z.literal('bundle-artifact'),
    artifact: z.string().describe('`image registry.k8s.io/pause:3.10.2`'),
    origin: z.string(),
    result: z.enum(['fetched', 'kept', 'failed', 'left-out']),
    bytes: z.int(),
  }),
  z.strictObject({
    type: z.literal('bundle-created'),
    folder: z.string(),
    artifacts: z.int(),
    fetched: z.int(),
    bytes: z.int().describe('Of all artifacts'),
  }),
  z.strictObject({
    type: z.literal('endpoints'),
    path: z.string(),
    allowed: z.boolean().nullable().describe('null where the inventory has no egress.allow'),
    endpoints: z.array(
      z.strictObject({
        host: z.string(),
        port: z.int().describe('0 where the protocol has none'),
        protocol: z.enum(['tcp', 'udp', 'vrrp']),
        from: z
          .enum(['operator', 'jump host', 'nodes', 'control planes'])
          .describe('Who contacts it'),
        reason: z.string(),
        at: z.string().optional().describe('file:line:column'),
        allowed: z.boolean().nullable(),
      }),
    ),
    unsaid: z.array(z.string()).describe('What an inventory does not tell'),
  }),
]);
