import { SecretBook } from '@skerry/executor';
import type { Plan, RunOutcome } from '../src/index.ts';
import type { PlanFileInput } from '../src/plan-file/encode.ts';
import { PlanKey } from '../src/plan-file/plan-key.ts';

export const testKey = new PlanKey(Buffer.alloc(32, 7));

const zeros = `sha256:${'0'.repeat(64)}`;

/** All that a plan file needs beside the plan, the same each time. */
export function inputOf(
  plan: Plan,
  observations: RunOutcome['observations'],
  more: Partial<PlanFileInput> = {},
): PlanFileInput {
  return {
    plan,
    observations,
    tool: '0.0.0',
    created: new Date('2026-01-02T03:04:05.678Z'),
    inventory: { path: 'inventory/loopback.yaml', sha256: zeros },
    runbook: { builtin: false, path: 'mine.ts', sha256: zeros },
    selection: {},
    key: testKey,
    secrets: new SecretBook(),
    tokens: [],
    ...more,
  };
}
