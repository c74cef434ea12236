import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { bootstrap, eventLines, root } from './command.ts';
import { files, GitSite, inventory, runbook } from './git-site.ts';

interface Explanation {
  readonly at?: string;
  readonly template?: string;
  readonly because: readonly { readonly path: string }[];
  readonly values: readonly {
    readonly path: string;
    readonly value: string;
    readonly from: readonly { readonly path: string; readonly position?: string; level: string }[];
    readonly rule?: { readonly rule: string; readonly source: string };
  }[];
}

async function explain(site: GitSite, host: string, step: string): Promise<Explanation> {
  const words = ['explain', 'inventory/site.yaml', host, step, '--runbook', 'own', '--json'];
  const { stdout, stderr } = await bootstrap(words, { cwd: site.folder });
  expect(stderr).toBe('');
  const [line] = eventLines(stdout);
  return line as unknown as Explanation;
}

const richer = runbook
  .replace(
    "from '@skerry/steps';",
    "from '@skerry/steps';\nimport { parametersFor } from '@skerry/kubernetes';",
  )
  .replace('host.node.sysctl', 'parametersFor(host.node.sysctl)')
  .replace(
    "file('/etc/issue', { content: issue }),",
    "file('/etc/issue', { content: issue, when: !host.node.swap }),",
  );

test('values of an inventory, of a rule of Skerry, and of the inventory over a rule', async () => {
  using site = new GitSite({
    ...files,
    'runbooks/own.ts': richer,
    'inventory/site.yaml': inventory.replace(
      'vars: { greeting: Hello }',
      'vars: { greeting: Hello }\n    node: { sysctl: { vm.swappiness: 1 } }',
    ),
  });
  const { values, at } = await explain(site, 'o-1', 'sysctl own');
  const value = (key: string) => values.find(({ path }) => path === `values.${key}`);
  expect(at).toBe('runbooks/own.ts:10');
  expect(value('vm.swappiness')).toEqual({
    path: 'values.vm.swappiness',
    value: '1',
    from: [
      {
        path: 'node.sysctl."vm.swappiness"',
        value: 1,
        level: 'group others',
        position: 'inventory/site.yaml:12:38',
      },
    ],
  });
  expect(value('net.core.somaxconn')).toMatchObject({
    from: [{ position: 'inventory/site.yaml:4:35', level: 'cluster' }],
    rule: { rule: "over Skerry's own 32768 (throughput)" },
  });
  expect(value('net.ipv4.ip_forward')).toMatchObject({
    from: [],
    rule: { rule: 'required', source: expect.stringContaining('kubernetes.io') as string },
  });
});

test('lines of a template, and what decides whether a step is there', async () => {
  using site = new GitSite({ ...files, 'runbooks/own.ts': richer });
  const motd = await explain(site, 'w-02', 'template /etc/motd');
  expect(motd.template).toMatch(/templates\/motd\.hbs$/);
  const line = (number: number) =>
    motd.values.find(({ path }) => path === `content line ${number}`);
  expect(line(1)?.from.map(({ path, level }) => [path, level])).toEqual([
    ['vars.greeting', 'group workers'],
  ]);
  expect(line(2)?.from.map(({ path }) => path)).toEqual(['cluster.name']);
  const issue = await explain(site, 'w-02', 'file /etc/issue');
  expect(issue.because.map(({ path }) => path)).toEqual(['node.swap']);
});

test('a step that there is not: the nearest one', async () => {
  using site = new GitSite(files);
  const { code, stderr } = await bootstrap(
    ['explain', 'inventory/site.yaml', 'w-01', 'sysctl onw', '--runbook', 'own'],
    { cwd: site.folder },
  );
  expect(code).toBe(1);
  expect(stderr).toContain('did you mean "sysctl own"?');
});

test('a value of a range of hosts, and one that nobody wrote', async () => {
  const oslo = async (step: string): Promise<string> => {
    const words = ['explain', 'inventory/oslo.yaml', 'oslo-w-03', step];
    return (await bootstrap(words, { cwd: root })).stdout;
  };
  const range = readFileSync(join(root, 'inventory/oslo.yaml'), 'utf8')
    .split('\n')
    .findIndex((text) => text.includes('oslo-w-[01:06]'));
  const address = String.raw`\(host oslo-w-03\) address = 10\.20\.0\.23`;
  expect(await oslo('hostsEntries cluster')).toMatch(
    new RegExp(String.raw`inventory/oslo\.yaml:${range + 1}:\d+ ${address}`),
  );
  expect(await oslo('swap')).toMatch(/enabled = false\n +default node\.swap = false/);
});
