import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DiagnosticError, type Diagnostic } from '@skerry/diagnostics';
import { expect, test } from 'vitest';
import { compareAt, type CompareOptions } from '../src/diff/compare-at.ts';
import { asPlanReport } from '../src/diff/diff-report.ts';
import { planHtml } from '../src/render/saved/html.ts';
import { planMarkdown } from '../src/render/saved/markdown.ts';
import { files, GitSite, inventory, runbook } from './git-site.ts';

async function refused(
  folder: string,
  options: Partial<CompareOptions> = {},
): Promise<readonly Diagnostic[]> {
  const wanted = { runbook: join(folder, 'runbooks/own.ts'), ...options };
  const error = await compareAt(join(folder, 'inventory/site.yaml'), wanted).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof DiagnosticError)) throw new Error('no DiagnosticError', { cause: error });
  return error.diagnostics;
}

test('a revision that does not exist: the nearest name', async () => {
  using site = new GitSite(files);
  site.git('branch', 'release');
  const [found] = await refused(site.folder, { from: 'relaese' });
  expect(found).toMatchObject({
    code: 'revision-unknown',
    what: 'there is no revision "relaese" (--from)',
    fix: 'did you mean "release"?',
  });
  expect((await refused(site.folder, { to: '--output=x' }))[0]?.code).toBe('revision-unknown');
});

test('a revision without the inventory: what it may have been called', async () => {
  const { 'inventory/site.yaml': _later, ...rest } = files;
  using site = new GitSite(rest);
  site.commit({ 'inventory/site.yaml': inventory });
  const [found] = await refused(site.folder, { from: 'HEAD~1' });
  expect(found).toMatchObject({
    code: 'revision-without-inventory',
    what: expect.stringContaining('at HEAD~1 (') as string,
  });
});

test('an inventory that is wrong at a revision, or not UTF-8: which one', async () => {
  using site = new GitSite({ ...files, 'inventory/site.yaml': 'clutser: {}\n' });
  site.commit({ 'inventory/site.yaml': Buffer.from([0x63, 0xff, 0x0a]) });
  site.commit({ 'inventory/site.yaml': inventory });
  const wrong = await refused(site.folder, { from: 'HEAD~2' });
  expect(wrong[0]?.what).toContain('(at HEAD~2 (');
  expect((await refused(site.folder, { from: 'HEAD~1' }))[0]).toMatchObject({
    code: 'file-not-utf8',
  });
});

test('a folder that is in no repository', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-bare-'));
  try {
    writeFileSync(join(folder, 'site.yaml'), inventory);
    const error = compareAt(join(folder, 'site.yaml'), { runbook: 'cluster' });
    await expect(error).rejects.toMatchObject({ diagnostics: [{ code: 'not-a-repository' }] });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('a shallow clone says that its history has to be fetched', async () => {
  using site = new GitSite(files);
  const old = site.git('rev-parse', 'HEAD');
  site.commit({ 'templates/motd.hbs': 'x\n' });
  const clone = mkdtempSync(join(tmpdir(), 'skerry-shallow-'));
  try {
    execFileSync('git', ['clone', '-q', '--depth', '1', `file://${site.folder}`, clone]);
    const [found] = await refused(clone, { from: old });
    expect(found?.fix).toContain('fetch-depth: 0');
  } finally {
    rmSync(clone, { recursive: true, force: true });
  }
});

test('a runbook that cannot be loaded or expanded at a revision: its own path, and the revision', async () => {
  using site = new GitSite({ ...files, 'runbooks/own.ts': 'export default nothing;\n' });
  site.commit({ 'runbooks/own.ts': runbook, 'templates/motd.hbs': '{{greting}}\n' });
  site.commit({ 'templates/motd.hbs': 'x\n' });
  const [broken] = await refused(site.folder, { from: 'HEAD~2' });
  expect(broken).toMatchObject({
    code: 'runbook-error',
    what: 'the runbook runbooks/own.ts cannot be loaded: nothing is not defined',
    why: expect.stringContaining('it is read at HEAD~2 (') as string,
  });
  const [missing, ...others] = await refused(site.folder, { from: 'HEAD~1' });
  expect(missing).toMatchObject({
    code: 'template-missing-variable',
    what: expect.stringMatching(/^there is no "greting" \(at HEAD~1 /) as string,
    at: {
      file: expect.stringMatching(/^[0-9a-f]{12}:templates\/motd\.hbs$/) as string,
      line: 1,
    },
    fix: 'did you mean "greeting"?',
  });
  // The same on four hosts is told once.
  expect(others).toEqual([]);
});

test('binary files, CRLF, no newline at the end, invalid UTF-8, and 10 MB of difference', async () => {
  const odd = runbook.replace(
    "file('/etc/issue', { content: issue }),",
    "...['bin', 'crlf', 'cut', 'latin', 'big'].map((n) => file('/srv/' + n, { source: n })),",
  );
  const big = (word: string): string =>
    Array.from({ length: 400_000 }, (_, line) => `${word} ${line} of a large file`).join('\n');
  using site = new GitSite({
    ...files,
    'runbooks/own.ts': odd,
    'files/bin': Buffer.from([0, 0xff, 2]),
    'files/crlf': 'one\ntwo\n',
    'files/cut': 'last\n',
    'files/latin': Buffer.from('caf\u00e9\n', 'latin1'),
    'files/big': big('old'),
  });
  site.commit({
    'files/bin': Buffer.from([0, 0xff, 3]),
    'files/crlf': 'one\r\ntwo\r\n',
    'files/cut': 'last',
    'files/latin': Buffer.from('th\u00e9\n', 'latin1'),
    'files/big': big('new'),
  });
  const report = await compareAt(join(site.folder, 'inventory/site.yaml'), {
    runbook: join(site.folder, 'runbooks/own.ts'),
    from: 'HEAD~1',
    to: 'HEAD',
  });
  const steps = report.plays.flatMap(({ blocks }) => blocks.flatMap((block) => block.steps));
  const change = (id: string) => steps.find((step) => step.id === `file /srv/${id}`)?.changes[0];
  expect(steps).toHaveLength(5);
  expect(change('bin')?.after).toMatch(/^3 bytes, sha256:[0-9a-f]{16}…$/);
  expect(change('crlf')?.diff).toContain('-one\n-two\n+one␍\n+two␍');
  expect(change('cut')?.diff).toContain('\\ No newline at end of file');
  expect(change('latin')?.before).toMatch(/^5 bytes, /);
  expect(change('big')?.after).toMatch(/^\d{8} bytes, /);
  expect(Buffer.byteLength(planMarkdown(asPlanReport(report)))).toBeLessThan(65_536);
  expect(planHtml(asPlanReport(report)).length).toBeLessThan(200_000);
});
