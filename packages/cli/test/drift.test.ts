import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startHosts, type LoopbackHosts } from '../../runbook/test/loopback-hosts.ts';
import { bootstrap, eventLines, type Ended } from './command.ts';

const names = ['a-1', 'a-2'];
const secret = 'correct-horse-battery';
let hosts: LoopbackHosts;
let folder: string;

const steps = {
  same: "file('/srv/same', { content: 'same on all\\n' }),",
  token:
    "file('/srv/token', { content: host.secrets.token + '\\n', mode: '0600', sensitive: true }),",
  plain: "file('/srv/plain', { content: 'with ' + host.secrets.token + '\\n' }),",
};

const runbook = (lines: readonly string[]): string => `
import { play, runbook } from '@skerry/runbook';
import { file } from '@skerry/steps';
export default runbook({ name: 'mine', description: 'files', plays: [
  play('Files', { hosts: 'all' }, ({ host }) => [${lines.join('\n')}]),
]});`;

function writeRunbook(lines: readonly string[]): void {
  writeFileSync(join(folder, 'mine.ts'), runbook(lines));
}

beforeAll(async () => {
  hosts = await startHosts(names);
  folder = join(hosts.sshd.folder, 'user');
  mkdirSync(folder);
  writeRunbook(Object.values(steps));
  const { port, clientKey, knownHosts } = hosts.sshd;
  writeFileSync(
    join(folder, 'cluster.yaml'),
    [
      'cluster:',
      '  name: loopback',
      '  secrets: { token: "env:THE_TOKEN" }',
      '  connection:',
      `    { user: root, port: ${port}, key: ${clientKey}, agent: false, sshConfig: false,`,
      `      knownHosts: [${knownHosts}] }`,
      'groups:',
      '  nodes:',
      '    hosts:',
      ...names.map((name, index) => `      ${name}: { address: 127.0.1.${index + 1} }`),
      '',
    ].join('\n'),
  );
});
afterAll(() => hosts.stop());

async function run(words: readonly string[]): Promise<Ended> {
  const ended = await bootstrap(words, { cwd: folder, env: { THE_TOKEN: secret } });
  for (const text of [ended.stdout, ended.stderr]) expect(text).not.toContain(secret);
  return ended;
}

const apply = (...more: string[]): Promise<Ended> =>
  run(['run', './mine.ts', 'cluster.yaml', '--yes', ...more]);
const drift = (...more: string[]): Promise<Ended> =>
  run(['run', './mine.ts', 'cluster.yaml', '--dry-run', '--refresh-only', ...more]);

interface Line {
  readonly counts: Readonly<Record<string, number>>;
  readonly blocks: readonly {
    readonly hosts: readonly string[];
    readonly id: string;
    readonly cause: string;
    readonly since?: string;
    readonly byHand: readonly { readonly diff?: string }[];
    readonly asked: readonly { readonly diff?: string }[];
  }[];
}

async function report(): Promise<Line> {
  const { stdout } = await drift('--json');
  return eventLines(stdout).find(({ type }) => (type as string) === 'drift') as unknown as Line;
}

it('a policy that denies the plan keeps apply from changing anything, and from asking', async () => {
  const planned = await run([
    'run',
    './mine.ts',
    'cluster.yaml',
    '--dry-run',
    '--deny',
    'hosts all > 1',
  ]);
  expect(planned.code).toBe(7);
  expect(planned.stdout).toContain('2 hosts of all are changed, and at most 1 may be');
  expect((await apply('--deny', 'hosts all > 1')).code).toBe(7);
  for (const name of names) expect(() => statSync(hosts.at(name, 'srv/same'))).toThrow(/ENOENT/);
});

it('before the first apply, nobody can say who made a difference', async () => {
  const { counts } = await report();
  expect(counts).toEqual({ 'by-hand': 0, both: 0, inventory: 0, 'never-applied': 6 });
});

it('after an apply there is no drift, and the journal is for its owner and holds no secret', async () => {
  expect((await apply()).code).toBe(0);
  const { code, stdout } = await drift('--detailed-exitcode');
  expect(stdout).toContain('No drift on 2 hosts.');
  expect(code).toBe(0);
  const journal = join(folder, '.skerry/journal');
  expect(readdirSync(journal).toSorted()).toEqual(['a-1.jsonl', 'a-2.jsonl']);
  for (const file of readdirSync(journal)) {
    expect(statSync(join(journal, file)).mode & 0o777).toBe(0o600);
    const text = readFileSync(join(journal, file), 'utf8');
    expect(text).not.toContain(secret);
    expect(text).toContain('with ⟦secret:env:THE_TOKEN⟧');
    // What is sensitive is not there at all, not even as a token.
    expect(text.match(/⟦secret/g)).toHaveLength(1);
  }
});

it('by hand, by the inventory, and by both look different in every form', async () => {
  writeFileSync(hosts.at('a-1', 'srv/same'), 'same on all\nby hand\n');
  writeFileSync(hosts.at('a-1', 'srv/plain'), 'with something else\n');
  writeFileSync(hosts.at('a-2', 'srv/token'), 'not the token\n');
  writeRunbook([
    steps.same,
    steps.token,
    steps.plain.replace("'with '", "'now with '"),
    "file('/srv/new', { content: 'new\\n' }),",
  ]);
  const { blocks, counts } = await report();
  expect(blocks.map(({ hosts: on, id, cause }) => [cause, id, on])).toEqual([
    ['by-hand', 'file /srv/same', ['a-1']],
    ['by-hand', 'file /srv/token', ['a-2']],
    ['both', 'file /srv/plain', ['a-1']],
    ['inventory', 'file /srv/new', ['a-1', 'a-2']],
    ['inventory', 'file /srv/plain', ['a-2']],
  ]);
  expect(counts).toEqual({ 'by-hand': 2, both: 1, inventory: 3, 'never-applied': 0 });
  const both = blocks.find(({ cause }) => cause === 'both');
  expect(both?.since).toMatch(/^20\d\d-/);
  // On the host against the last apply, and the last apply against now.
  expect(both?.byHand[0]?.diff).toContain('+with ⟦secret:env:THE_TOKEN⟧');
  expect(both?.asked[0]?.diff).toContain('+now with ⟦secret:env:THE_TOKEN⟧');
  const { stdout, code } = await drift('--detailed-exitcode');
  expect(code).toBe(2);
  expect(stdout).toMatch(
    /^Changed by hand$[^]*^Changed by hand, and the inventory changed$[^]*^The inventory changed$/m,
  );
  const markdown = await drift('--format', 'markdown');
  expect(markdown.stdout).toMatch(/^### Drift: <code>mine<\/code> on <code>loopback<\/code>$/m);
  expect(markdown.stdout).toContain('| ✋ changed by hand |');
  expect(markdown.stdout).toContain('| 📄 the inventory changed |');
});

it('a journal that was cut off, or of another version, counts as none', async () => {
  writeFileSync(
    join(folder, '.skerry/journal/a-1.jsonl'),
    '{"version":1,"time":"20\n{"version":9}\n',
  );
  rmSync(join(folder, '.skerry/journal/a-2.jsonl'));
  const { counts } = await report();
  expect(counts['by-hand']).toBe(0);
  expect(counts['never-applied']).toBeGreaterThan(0);
});
