import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DiagnosticError, type Diagnostic } from '@skerry/diagnostics';
import { planFileText, policySchemaText } from '@skerry/runbook';
import { parseInventory } from '@skerry/inventory';
import { afterAll, expect, test } from 'vitest';
import { openPolicy, type PolicyOptions } from '../src/policy/open-policy.ts';
import { planJunit } from '../src/render/saved/junit.ts';
import { planHtml } from '../src/render/saved/html.ts';
import { planMarkdown } from '../src/render/saved/markdown.ts';
import { planReport } from '../src/render/saved/report.ts';
import { bootstrap, eventLines } from './command.ts';
import { inventory } from './git-site.ts';
import { plan } from './plan-fixture.ts';
import { saved } from './saved-plan-fixture.ts';

const folder = mkdtempSync(join(tmpdir(), 'skerry-policy-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

async function refused(options: PolicyOptions): Promise<readonly Diagnostic[]> {
  const error: unknown = await openPolicy(options, parseInventory(inventory, 'site.yaml')).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof DiagnosticError)) throw new Error('no DiagnosticError', { cause: error });
  return error.diagnostics;
}

test('all that is wrong in a policy is told at once, with places and the nearest names', async () => {
  const file = write(
    'wrong.yaml',
    'deny:\n  opaqe: true\n  reboot: { outside: Sat 22-04 }\n  hosts:\n    - { group: all, moreThen: 3 }\n',
  );
  const found = await refused({ policy: file });
  expect(found.map(({ what, at, fix }) => [what, at !== undefined && 'line' in at && at.line, fix]))
    .toMatchInlineSnapshot(`
    [
      [
        ""deny.reboot.outside" must be days, hours and a time zone, like "Sat-Sun 22:00-04:00 Europe/Oslo"",
        3,
        undefined,
      ],
      [
        ""deny.hosts.0.moreThan" must be a number of hosts, or a percentage like "25%"",
        5,
        undefined,
      ],
      [
        "unknown key "moreThen"",
        5,
        "did you mean "moreThan"?",
      ],
      [
        "unknown key "opaqe"",
        2,
        "did you mean "opaque"?",
      ],
    ]
  `);
});

test('a group that the inventory does not have', async () => {
  const file = write('groups.yaml', 'deny:\n  hosts: [{ group: worker, moreThan: 1 }]\n');
  expect(await refused({ policy: file, deny: ['opaque'] })).toMatchObject([
    { code: 'unknown-group', at: { line: 2, column: 20 }, fix: 'did you mean "workers"?' },
  ]);
  expect(await refused({ deny: ['hosts nodes > 1'] })).toMatchObject([{ code: 'unknown-group' }]);
});

test.each([
  ['opaqe', 'did you mean "opaque"?'],
  ['hosts workers 3', "write it as 'hosts GROUP > 25%'"],
  ['reboot outside Sat', 'the forms are'],
  ['step', "write it as 'step package *'"],
])('--deny %s', async (rule, fix) => {
  const [found] = await refused({ deny: [rule] });
  expect(found?.code).toBe('bad-rule');
  expect(found?.fix).toContain(fix);
});

test('a policy that cannot be read, is no YAML, or is empty', async () => {
  expect((await refused({ policy: join(folder, 'none.yaml') }))[0]?.code).toBe('policy-unreadable');
  expect((await refused({ policy: write('bad.yaml', 'deny: [') }))[0]?.code).toBe('yaml-syntax');
  expect((await refused({ policy: write('empty.yaml', '') }))[0]?.code).toBe('invalid-value');
});

test('rules of the file and of the command line are kept together; each finding has its place', async () => {
  const file = write('policy.yaml', 'deny:\n  opaque: true\n  steps: ["sysctl *"]\n');
  const policy = await openPolicy({ policy: file, deny: ['step file *'] }, undefined);
  const verdict = policy?.judge(plan);
  expect(verdict?.verdict).toBe('denied');
  expect(verdict?.rules).toEqual(['deny.opaque', 'deny.steps[0]', 'deny.steps[0]']);
  const places = new Set(verdict?.findings.map(({ at }) => at.replace(folder, '')));
  expect([...places]).toEqual(['/policy.yaml:2:11', '/policy.yaml:3:11', '--deny']);
});

test('every form of a saved plan tells the verdict, and the exit code does', async () => {
  const policy = await openPolicy({ deny: ['opaque', 'format'] }, undefined);
  if (policy === undefined) throw new Error('no policy');
  const report = { ...planReport(saved(plan)), policy: policy.judge(plan) };
  expect(planMarkdown(report)).toContain('**⛔ Denied by the policy**');
  expect(planHtml(report)).toContain('Denied by the policy');
  expect(planJunit(report)).toMatch(
    /<testcase classname="policy" name="deny.opaque" time="0">\s*<failure/,
  );
  expect(planJunit(report)).toMatch(/name="deny.format" time="0">\s*<\/testcase>/);
  const file = write('plan.json', planFileText(saved(plan).file));
  const show = (...words: string[]) => bootstrap(['show', file, ...words], { cwd: folder });
  const denied = await show('--deny', 'opaque', '--json');
  expect(denied.code).toBe(7);
  expect(eventLines(denied.stdout)).toHaveLength(1);
  expect((await show('--deny', 'step nothing')).code).toBe(0);
});

test('the published schema is fresh', () => {
  const published = new URL('../../../docs/policy.schema.json', import.meta.url);
  expect(readFileSync(published, 'utf8')).toBe(policySchemaText());
});
