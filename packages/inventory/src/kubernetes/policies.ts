import { z } from 'zod';
import { objectName } from './values.ts';

const selectorPattern =
  /^(namespace=[a-z0-9-]+(\/[A-Za-z0-9./_-]+=[A-Za-z0-9._-]+)?|[A-Za-z0-9./_-]+=[A-Za-z0-9._-]+|any|[0-9a-fA-F.:]+\/\d+)$/;

const selector = (description: string) =>
  z
    .string()
    .refine((value) => selectorPattern.test(value), {
      error:
        'must say who: LABEL=VALUE, namespace=NAME, namespace=NAME/LABEL=VALUE, a network, or any',
      params: {
        code: 'invalid-selector',
        fix: 'write for example app=web, namespace=ingress, namespace=ingress/app=proxy, 10.0.0.0/8 or any',
      },
    })
    .meta({ description, pattern: selectorPattern.source });

const port = z
  .union([
    z.int().min(1).max(65_535),
    z
      .string()
      .refine((value) => /^\d{1,5}(-\d{1,5})?\/(tcp|udp|sctp)$/.test(value), {
        error: 'must be a port, like 8080, 53/udp or 8000-8100/tcp',
        params: { code: 'invalid-port' },
      })
      .meta({ pattern: String.raw`^\d{1,5}(-\d{1,5})?\/(tcp|udp|sctp)$` }),
  ])
  .describe('8080, 53/udp, 8000-8100/tcp');

const path = z.strictObject({
  to: selector('Who is reached: LABEL=VALUE for pods of the namespace'),
  from: selector('Who may reach it: LABEL=VALUE, namespace=NAME, a network, or any'),
  ports: z.array(port).default([]).describe('Only these ports; left out: all'),
});

/** NetworkPolicies in short. */
export const policies = z
  .strictObject({
    default: z
      .enum(['allow', 'deny'])
      .default('allow')
      .describe('deny: what is not allowed below is refused, inwards and outwards'),
    namespaces: z
      .array(objectName('A namespace'))
      .min(1)
      .default(['default'])
      .describe('The namespaces that they hold for'),
    allow: z
      .array(z.union([z.enum(['dns', 'same-namespace', 'internet']), path]))
      .default([])
      .describe(
        'dns: ask the cluster for names; same-namespace: pods of one namespace reach each other; internet: what lies outside of the cluster; or {to, from, ports}',
      ),
  })
  .describe('NetworkPolicies in short');
export type PolicySettings = z.infer<typeof policies>;
