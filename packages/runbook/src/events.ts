import { z } from 'zod';
import { changeSchema, planSchema } from './plan-schema.ts';

/** Why a host stopped, in the words of a diagnostic. */
export const failure = z.strictObject({
  code: z.string(),
  what: z.string(),
  step: z.string().optional().describe('play › step'),
  why: z.string().optional(),
  fix: z.string().optional(),
});
export type Failure = z.infer<typeof failure>;

/** How one host ended. */
export const hostOutcome = z.enum([
  'converged',
  'changed',
  'planned',
  'failed',
  'refused',
  'unreachable',
  'unknown',
  'locked',
  'aborted',
  'skipped',
]);
export type HostOutcome = z.infer<typeof hostOutcome>;

export const countSchema = z.strictObject({
  hosts: z.int(),
  changedHosts: z.int(),
  steps: z.int(),
  changes: z.int(),
  handlers: z.int(),
  exact: z.int(),
  conditional: z.int(),
  opaque: z.int(),
  refused: z.int(),
});

export const hostRecap = z.strictObject({
  host: z.string(),
  outcome: hostOutcome,
  /** Steps that apply changed, steps found as desired, handlers run. */
  changed: z.int(),
  converged: z.int(),
  handlers: z.int(),
  due: z.array(z.string()).optional().describe('Handlers that are left for the next apply'),
  /** How many exec channels were opened on the host. */
  execs: z.int(),
  /** How many times the probes called the Kubernetes API; only where nothing was changed. */
  apiCalls: z.int().optional(),
  failure: failure.optional(),
});
export type HostRecap = z.infer<typeof hostRecap>;

const checkCount = z.strictObject({ passed: z.int(), failed: z.int(), skipped: z.int() });

/** Everything the engine tells. Renderers subscribe; `--json` prints each as one line. */
export const runEvent = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('run-started'),
    mode: z.enum(['plan', 'apply']),
    runbook: z.string(),
    cluster: z.string(),
    hosts: z.array(z.string()),
  }),
  z.strictObject({
    type: z.literal('phase'),
    phase: z.enum(['probe', 'apply', 'verify']),
    hosts: z.array(z.string()),
  }),
  z.strictObject({
    type: z.literal('host-probed'),
    host: z.string(),
    changes: z.int(),
    milliseconds: z.int(),
  }),
  z.strictObject({
    type: z.literal('host-failed'),
    host: z.string(),
    outcome: hostOutcome,
    failure,
  }),
  z.strictObject({ type: z.literal('planned'), count: countSchema }),
  /** The whole plan, once, after `planned`. */
  z.strictObject({ type: z.literal('plan'), plan: planSchema }),
  z.strictObject({
    type: z.literal('play-started'),
    play: z.string(),
    batch: z.int(),
    batches: z.int(),
    hosts: z.array(z.string()),
  }),
  z.strictObject({
    type: z.literal('step-started'),
    host: z.string(),
    play: z.string(),
    step: z.string(),
    handler: z.boolean(),
  }),
  z.strictObject({
    type: z.literal('step-output'),
    host: z.string(),
    step: z.string(),
    stream: z.enum(['stdout', 'stderr']),
    text: z.string(),
  }),
  z.strictObject({
    type: z.literal('step-finished'),
    host: z.string(),
    play: z.string(),
    step: z.string(),
    handler: z.boolean(),
    result: z.enum(['changed', 'already', 'failed', 'unknown', 'refused']),
    milliseconds: z.int(),
    changes: z.array(changeSchema),
  }),
  z.strictObject({
    type: z.literal('waiting'),
    host: z.string(),
    step: z.string(),
    awaited: z.string(),
    deadline: z.number().describe('Seconds'),
  }),
  /** Files of the bundle on their way to a host. */
  z.strictObject({
    type: z.literal('sending'),
    host: z.string(),
    step: z.string(),
    path: z.string().describe('Of the file that is being sent, in the bundle'),
    file: z.int().describe('Which one, from 1'),
    files: z.int(),
    sent: z.int().describe('Bytes, of all files'),
    total: z.int().describe('Bytes, of all files'),
  }),
  z.strictObject({
    type: z.literal('host-verified'),
    host: z.string(),
    remaining: z.array(z.string()),
  }),
  z.strictObject({
    type: z.literal('warning'),
    host: z.string().optional(),
    code: z.string(),
    what: z.string(),
    why: z.string().optional(),
    fix: z.string().optional(),
  }),
  z.strictObject({
    type: z.literal('verification-started'),
    cluster: z.string(),
    hosts: z.array(z.string()),
    checks: z.array(z.strictObject({ id: z.string(), title: z.string() })),
  }),
  /** The probe pods are there, and the checks are asked; again while some of them may settle. */
  z.strictObject({
    type: z.literal('verification-round'),
    round: z.int().describe('From 1'),
    checks: z.array(z.string()).describe('Ids of those that are asked'),
  }),
  z.strictObject({
    type: z.literal('check-finished'),
    check: z.string().describe('Stable, lower case with hyphens'),
    title: z.string(),
    status: z.enum(['passed', 'failed', 'skipped']),
    looked: z.string().describe('What was looked at; empty where nothing was'),
    reason: z.string().describe('Why it was not looked at; empty otherwise'),
    findings: z.array(
      z.strictObject({
        what: z.string(),
        why: z.string().optional(),
        fix: z.string().optional(),
      }),
    ),
  }),
  z.strictObject({
    type: z.literal('verification-finished'),
    passed: z.int(),
    failed: z.int(),
    skipped: z.int(),
    milliseconds: z.int(),
  }),
  z.strictObject({
    type: z.literal('run-finished'),
    exitCode: z.int(),
    hosts: z.array(hostRecap),
    verified: z.boolean(),
    checks: checkCount.optional().describe('Of the look at the cluster after an apply'),
    breakdown: z
      .array(z.strictObject({ what: z.string(), milliseconds: z.int() }))
      .optional()
      .describe('Of a run that made hosts members of a cluster: where its wall time went'),
    milliseconds: z.int(),
  }),
]);
export type RunEvent = z.infer<typeof runEvent>;
