import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Diagnostic } from '@skerry/diagnostics';
import { afterAll, expect, test } from 'vitest';
import { RunLog } from '../src/run-log.ts';

const folder = mkdtempSync(join(tmpdir(), 'skerry-log-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('the log of a run holds a line for each event', () => {
  const warnings: Diagnostic[] = [];
  {
    using log = new RunLog(folder, 'prepare nodes', (warning) => warnings.push(warning));
    log.write({ type: 'planned' });
  }
  const [name = ''] = readdirSync(join(folder, 'logs'));
  expect(name).toMatch(/-prepare_nodes-\d+\.jsonl$/);
  const text = readFileSync(join(folder, 'logs', name), 'utf8');
  expect(JSON.parse(text)).toMatchObject({ type: 'planned', time: expect.any(String) });
  expect(warnings).toEqual([]);
});

test('where it cannot be written that is told once, and the run goes on', () => {
  const taken = join(folder, 'taken');
  writeFileSync(taken, 'not a folder');
  const warnings: Diagnostic[] = [];
  using log = new RunLog(taken, 'x', (warning) => warnings.push(warning));
  log.write({ type: 'planned' });
  log.write({ type: 'planned' });
  expect(warnings).toMatchObject([
    {
      code: 'no-run-log',
      severity: 'warning',
      what: `the log of this run cannot be written to ${join(taken, 'logs')}`,
      why: expect.stringMatching(/ENOTDIR/),
    },
  ]);
});
