import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DiagnosticError } from '@skerry/diagnostics';
import { planFileText, readPlanFile } from '@skerry/runbook';
import { afterAll, expect, test } from 'vitest';
import { digestOf } from '../../runbook/src/plan-file/digest.ts';
import { toolVersion } from '../src/installation.ts';
import { checkPlan } from '../src/plan-file/open.ts';
import { plan } from './plan-fixture.ts';
import { saved } from './saved-plan-fixture.ts';

const folder = mkdtempSync(join(tmpdir(), 'skerry-check-'));
afterAll(() => rmSync(folder, { recursive: true }));
const created = Date.parse('2026-01-02T03:04:05Z');
const day = 86_400;

/** What refuses a plan of this version, `seconds` old, whose inventory and runbook are nowhere. */
async function reasons(tool: string, seconds: number): Promise<string[]> {
  const copy = { ...saved(plan).file, tool };
  copy.inventory = { ...copy.inventory, path: 'inventory/nowhere.yaml' };
  copy.runbook = { ...copy.runbook, builtin: false, path: 'runbooks/nowhere.ts' };
  const path = join(folder, 'plan.json');
  const one = readPlanFile(planFileText({ ...copy, digest: digestOf(copy) }), path);
  const now = new Date(created + seconds * 1000);
  const error: unknown = await checkPlan(one, { path, maxAge: day, now }).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof DiagnosticError)) throw new Error('it was admitted', { cause: error });
  return error.diagnostics.map(({ code }) => code);
}

const gone = ['inventory-missing', 'runbook-missing'];

test('another version of Skerry, age, and files that are gone are told all at once', async () => {
  expect(await reasons(toolVersion(), day - 1)).toEqual(gone);
  expect(await reasons('9.9.9', 0)).toEqual(['plan-tool', ...gone]);
  expect(await reasons(toolVersion(), day + 1)).toEqual(['plan-too-old', ...gone]);
  expect(await reasons('9.9.9', day + 1)).toEqual(['plan-tool', 'plan-too-old', ...gone]);
});

test('a clock that is a little behind is let pass, a plan from the future is not', async () => {
  expect(await reasons(toolVersion(), -200)).toEqual(gone);
  expect(await reasons(toolVersion(), -3600)).toEqual(['plan-from-future', ...gone]);
});
