import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { compareAt, type CompareOptions } from '../src/diff/compare-at.ts';
import type { DiffReport } from '../src/diff/diff-report.ts';
import { bootstrap, eventLines, type Ended } from './command.ts';
import { files, GitSite, inventory, runbook } from './git-site.ts';

function diff(site: GitSite, ...words: readonly string[]): Promise<Ended> {
  return bootstrap(['diff', 'inventory/site.yaml', '--runbook', 'own', ...words], {
    cwd: site.folder,
  });
}

function report(site: GitSite, options: Partial<CompareOptions> = {}): Promise<DiffReport> {
  return compareAt(join(site.folder, 'inventory/site.yaml'), {
    runbook: join(site.folder, 'runbooks/own.ts'),
    ...options,
  });
}

const blocksOf = ({ plays }: DiffReport) =>
  plays.flatMap(({ blocks }) =>
    blocks.flatMap(({ hosts, steps }) => steps.map((step) => ({ hosts, ...step }))),
  );

test('nothing changed is no difference and exit code 0', async () => {
  using site = new GitSite(files);
  const { code, stdout } = await diff(site, '--detailed-exitcode');
  expect(stdout).toContain('No difference: 4 hosts would be asked for the same.');
  expect(code).toBe(0);
});

test('a value of the cluster is one block for all hosts, with its line as the reason', async () => {
  using site = new GitSite(files);
  site.write({ 'inventory/site.yaml': inventory.replace('1024', '4096') });
  const found = blocksOf(await report(site));
  expect(found).toEqual([
    expect.objectContaining({
      hosts: ['w-01', 'w-02', 'w-03', 'o-1'],
      id: 'sysctl own',
      action: 'update',
      because: [
        'inventory/site.yaml:4:35 (cluster): node.sysctl."net.core.somaxconn": 1024 → 4096',
      ],
      changes: [
        {
          subject: 'values.net.core.somaxconn',
          action: 'update',
          before: '"1024"',
          after: '"4096"',
        },
      ],
    }),
  ]);
});

test('a template that all use is one block, although each host has a text of its own', async () => {
  using site = new GitSite(files);
  site.write({ 'templates/motd.hbs': '{{greeting}} to {{host.name}}!\nof {{cluster.name}}\n' });
  const [block, ...others] = blocksOf(await report(site));
  expect(others).toEqual([]);
  expect(block?.hosts).toEqual(['w-01', 'w-02', 'w-03', 'o-1']);
  expect(block?.because).toEqual(['templates/motd.hbs:1']);
  expect(block?.changes[0]?.diff).toContain('-Welcome to w-01\n+Welcome to w-01!\n of site');
  expect(block?.others).toHaveLength(3);
  const { stdout } = await diff(site);
  expect(stdout).toContain('the text is another one on w-02, w-03, o-1, for the same reason');
});

test('what several edits do is told apart by step', async () => {
  using site = new GitSite(files);
  site.write({
    'inventory/site.yaml': inventory.replace('1024', '4096').replace('Hello', 'Good day'),
    'runbooks/lib/issue.ts': "export const issue = 'go away\\n';\n",
  });
  const found = blocksOf(await report(site)).map(({ hosts, id, because }) => ({
    hosts: hosts.length,
    id,
    because,
  }));
  expect(found).toEqual([
    {
      hosts: 4,
      id: 'sysctl own',
      because: [
        'inventory/site.yaml:4:35 (cluster): node.sysctl."net.core.somaxconn": 1024 → 4096',
      ],
    },
    { hosts: 4, id: 'file /etc/issue', because: ['runbooks/lib/issue.ts:1'] },
    {
      hosts: 1,
      id: 'template /etc/motd',
      because: ['inventory/site.yaml:11:23 (group others): vars.greeting: Hello → Good day'],
    },
  ]);
});

test('a step that takes two edits together names both', async () => {
  using site = new GitSite(files);
  site.write({
    'inventory/site.yaml': inventory.replace('Hello }', 'Hello, extra: more }'),
    'templates/motd.hbs': `{{default vars.extra ""}}${String(files['templates/motd.hbs'])}`,
  });
  const motd = blocksOf(await report(site)).find(({ hosts }) => hosts.includes('o-1'));
  expect(motd?.because).toEqual([
    'inventory/site.yaml:11:37 (group others): vars.extra: (none) → more',
    'templates/motd.hbs:1',
  ]);
});

test('steps that come and go, and hosts that come and go', async () => {
  using site = new GitSite(files);
  site.write({
    'inventory/site.yaml': inventory.replace('[01:03]', '[02:04]').replace('[1:3]', '[2:4]'),
    'runbooks/own.ts': runbook.replace("file('/etc/issue'", "file('/etc/issue.net'"),
  });
  const found = await report(site);
  expect(found.added).toEqual([{ host: 'w-04', at: 'inventory/site.yaml:9:7', steps: 3 }]);
  expect(found.removed.map(({ host }) => host)).toEqual(['w-01']);
  expect(blocksOf(found).map(({ id, action, because }) => [id, action, because])).toEqual([
    ['file /etc/issue.net', 'create', ['runbooks/own.ts:12']],
    ['file /etc/issue', 'delete', ['runbooks/own.ts:12']],
  ]);
});

test('two revisions by name; the working tree is not looked at', async () => {
  using site = new GitSite(files);
  site.git('tag', 'v1');
  site.commit({ 'inventory/site.yaml': inventory.replace('1024', '2048') });
  site.write({ 'inventory/site.yaml': 'not even: [yaml', 'runbooks/own.ts': 'broken(' });
  const { code, stdout } = await diff(site, '--from', 'v1', '--to', 'main', '--detailed-exitcode');
  expect(stdout).toContain('"1024" → "2048"');
  expect(code).toBe(2);
});

test('by default a branch is compared with where it left the default branch', async () => {
  using site = new GitSite(files);
  site.git('checkout', '-q', '-b', 'work');
  site.commit({ 'inventory/site.yaml': inventory.replace('1024', '2048') });
  site.git('checkout', '-q', 'main');
  site.commit({ 'runbooks/lib/issue.ts': "export const issue = 'not ours\\n';\n" });
  site.git('checkout', '-q', 'work');
  expect(blocksOf(await report(site)).map(({ id }) => id)).toEqual(['sysctl own']);
});

test('--limit leaves out hosts, --tags steps', async () => {
  using site = new GitSite(files);
  site.write({ 'inventory/site.yaml': inventory.replace('1024', '4096') });
  expect(blocksOf(await report(site, { limit: 'others' }))[0]?.hosts).toEqual(['o-1']);
  expect(blocksOf(await report(site, { tags: ['none'] }))).toEqual([]);
});

test('facts of the last run are used, and it is said which hosts have none', async () => {
  using site = new GitSite({
    ...files,
    'runbooks/own.ts': runbook.replace(
      'host.node.sysctl',
      "{ ...host.node.sysctl, 'vm.swappiness': host.facts.memory > 9000 ? 1 : 60 }",
    ),
  });
  expect((await report(site, { from: 'HEAD', to: 'HEAD' })).notes[0]).toMatch(
    /^No host has been read by a run from here/,
  );
  const facts = { memory: 16_000, kubernetes: {}, disks: [], interfaces: [] };
  const cached = { version: cacheVersion(), facts };
  site.write({ '.skerry/facts/o-1.json': JSON.stringify(cached) });
  site.write({
    'runbooks/own.ts': readFileSync(`${site.folder}/runbooks/own.ts`, 'utf8').replace('? 1', '? 2'),
  });
  const found = await report(site);
  expect(blocksOf(found).map(({ hosts }) => hosts)).toEqual([['o-1']]);
  expect(found.notes[0]).toMatch(/^3 hosts not read by a run from here/);
});

function cacheVersion(): number {
  const source = new URL('../../runbook/src/facts-cache.ts', import.meta.url);
  return Number(/const version = (\d+)/.exec(readFileSync(source, 'utf8'))?.[1]);
}

test('secrets stay references; one that is in the environment anyway is concealed', async () => {
  using site = new GitSite({
    ...files,
    'inventory/site.yaml': inventory.replace(
      'vars: { greeting: Welcome }',
      'vars: { greeting: Welcome }\n    secrets: { token: env:SITE_TOKEN }',
    ),
  });
  site.write({
    'templates/motd.hbs': '{{secrets.token}} hunter2-hunter2\n',
  });
  site.write({
    'inventory/site.yaml': readFileSync(`${site.folder}/inventory/site.yaml`, 'utf8').replace(
      'Hello }',
      'Hello }\n    secrets: { token: env:SITE_TOKEN }',
    ),
  });
  for (const format of ['markdown', 'json']) {
    const { stdout, stderr } = await bootstrap(
      ['diff', 'inventory/site.yaml', '--runbook', 'own', '--format', format],
      { cwd: site.folder, env: { SITE_TOKEN: 'hunter2-hunter2' } },
    );
    expect(stdout + stderr).toContain('SITE');
    expect(stdout + stderr).not.toContain('hunter2');
    if (format === 'json') expect(eventLines(stdout)).toHaveLength(1);
  }
});

test('nothing is left behind, and nothing is checked out', async () => {
  using site = new GitSite(files);
  site.write({ 'inventory/site.yaml': inventory.replace('1024', '4096') });
  const before = site.git('status', '--porcelain');
  await diff(site);
  expect(site.git('status', '--porcelain')).toBe(before);
  expect(readdirSync(tmpdir()).filter((name) => name.startsWith('skerry-diff-'))).toEqual([]);
});

test('what a template reads of the cluster is a cause, too', async () => {
  using site = new GitSite(files);
  site.write({ 'inventory/site.yaml': inventory.replace('name: site', 'name: other') });
  expect(blocksOf(await report(site)).map(({ id, because }) => [id, because])).toEqual([
    ['template /etc/motd', ['inventory/site.yaml: cluster.name: site → other']],
  ]);
});
