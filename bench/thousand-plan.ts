import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { planFileText, type Plan, type StepPlan } from '@skerry/runbook';
import { sh, textDiff } from '@skerry/steps';
import { planHtml } from '../packages/cli/src/render/saved/html.ts';
import { planReport } from '../packages/cli/src/render/saved/report.ts';
import { saved } from '../packages/cli/test/saved-plan-fixture.ts';

const hosts = Array.from({ length: 1000 }, (_, index) => `node-${index + 1}`);

function textOf(file: number, changed: boolean): string {
  const value = (line: number): string => (changed && line % 4 === 0 ? 'new' : 'old');
  return Array.from({ length: 60 }, (_, line) => `key${line} = ${file} ${value(line)}\n`).join('');
}

/** Thirty files of sixty lines that all hosts have in common, and the name that each has for itself. */
const shared: readonly StepPlan[] = Array.from({ length: 30 }, (_, file) => {
  const path = `/etc/app/${file}.conf`;
  return {
    id: `file ${path}`,
    summary: 'text, 60 lines, root:root 0644',
    changes: [
      {
        subject: `${path} (content)`,
        action: 'update',
        diff: textDiff(textOf(file, false), textOf(file, true)),
      },
    ],
    confidence: { level: 'exact' },
    converge: sh('printf %s "$2" >"$1"\n', path, textOf(file, true)),
    notify: [],
  };
});

const hostname = (host: string): StepPlan => ({
  id: 'hostname',
  summary: host,
  changes: [{ subject: 'hostname', action: 'update', before: 'debian', after: host }],
  confidence: { level: 'exact' },
  converge: sh('hostnamectl hostname "$1"', host),
  notify: [],
});

const plan: Plan = {
  schema: 1,
  runbook: 'thousand',
  cluster: 'oslo',
  order: ['Files'],
  hosts: hosts.map((host) => ({
    host,
    plays: [
      {
        play: 'Files',
        steps: [hostname(host), ...shared],
        handlers: [],
        converged: 0,
        skipped: [],
      },
    ],
  })),
};

export interface ThousandPlan {
  /** A saved plan of 1,000 hosts: 30 changes that all have, and one that each has for itself. */
  readonly plan: string;
  /** Its HTML report. */
  readonly html: () => string;
  readonly remove: () => void;
}

export function thousandPlan(): ThousandPlan {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-thousand-plan-'));
  const path = join(folder, 'plan.json');
  const one = saved(plan);
  writeFileSync(path, planFileText(one.file));
  return {
    plan: path,
    html: () => planHtml(planReport(one)),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
