import { createHash } from 'node:crypto';
import { SecretBook } from '@skerry/executor';
import {
  encodePlanFile,
  planFileText,
  planKey,
  readPlanFile,
  type Plan,
  type SavedPlan,
} from '@skerry/runbook';

const key = await planKey('/nowhere', { SKERRY_PLAN_KEY: 'x'.repeat(32) });

/** A plan as it is read from a file that `plan --out` wrote, the same each time. */
export function saved(plan: Plan): SavedPlan {
  const sha256 = `sha256:${createHash('sha256').update('').digest('hex')}`;
  const file = encodePlanFile({
    plan,
    observations: plan.hosts.map(({ host }) => ({
      host,
      hostKey: 'SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU',
      machineId: '0123456789abcdef0123456789abcdef',
      steps: [],
    })),
    tool: '0.0.0',
    created: new Date('2026-01-02T03:04:05Z'),
    inventory: {
      path: 'inventory/oslo.yaml',
      sha256,
      revision: { commit: '0123456789abcdef0123456789abcdef01234567', dirty: true },
    },
    runbook: { builtin: true, path: 'runbooks/prepare-nodes.ts', sha256 },
    selection: {},
    key,
    secrets: new SecretBook(),
    tokens: [],
  });
  return readPlanFile(planFileText(file), 'plan.json');
}
