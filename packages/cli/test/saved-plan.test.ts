import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readPlanFile } from '@skerry/runbook';
import { startHosts, type LoopbackHosts } from '../../runbook/test/loopback-hosts.ts';
import { bootstrap, execute, type Ended } from './command.ts';

const names = ['a-1', 'a-2'];
const secret = 'correct-horse-battery';
let hosts: LoopbackHosts;
let folder: string;

beforeAll(async () => {
  hosts = await startHosts(names);
  folder = join(hosts.sshd.folder, 'user');
  mkdirSync(folder);
  writeFileSync(join(folder, 'mine.ts'), runbookText);
  writeFileSync(join(folder, 'cluster.yaml'), inventoryText());
  writeFileSync(join(folder, '.gitignore'), '.skerry\n');
  await execute('git', ['init', '-q', folder]);
  await execute('git', ['-C', folder, 'add', '.']);
  const who = ['-c', 'user.name=a', '-c', 'user.email=a@b.c'];
  await execute('git', ['-C', folder, ...who, 'commit', '-qm', 'first']);
});
afterAll(() => hosts.stop());

const runbookText = `
import { play, runbook } from '@skerry/runbook';
import { file } from '@skerry/steps';

export default runbook({
  name: 'mine',
  description: 'Two files',
  plays: [
    play('Files', { hosts: 'all' }, ({ host }) => [
      file('/srv/same', { content: 'same on all\\n' }),
      file('/srv/name', { content: host.name + ' ' + host.secrets.password + '\\n', mode: '0600' }),
    ]),
  ],
});
`;

const inventoryText = (): string =>
  [
    'cluster:',
    '  name: loopback',
    '  secrets: { password: "env:THE_PASSWORD" }',
    '  connection:',
    `    { user: root, port: ${hosts.sshd.port}, key: ${hosts.sshd.clientKey}, agent: false, sshConfig: false,`,
    `      knownHosts: [${hosts.sshd.knownHosts}] }`,
    'groups:',
    '  all-of-them:',
    '    hosts:',
    ...names.map((name, index) => `      ${name}: { address: 127.0.1.${index + 1} }`),
    '',
  ].join('\n');

const run = async (words: readonly string[], password = secret): Promise<Ended> => {
  const ended = await bootstrap(words, { cwd: folder, env: { THE_PASSWORD: password } });
  for (const text of [ended.stdout, ended.stderr]) expect(text).not.toContain(secret);
  return ended;
};
const plan = (...more: string[]): Promise<Ended> =>
  run(['run', './mine.ts', 'cluster.yaml', '--dry-run', '--out', 'plan.json', ...more]);
const planText = (): string => readFileSync(join(folder, 'plan.json'), 'utf8');
const apply = (...more: string[]): Promise<Ended> => run(['apply', 'plan.json', '--yes', ...more]);

/** Applies the plan, which must be refused for this reason alone, with nothing touched. */
async function refused(reason: string | RegExp, ...more: string[]): Promise<void> {
  const { code, stderr } = await apply(...more);
  expect(stderr).toMatch(reason);
  expect(code).toBe(1);
  for (const name of names) expect(() => statSync(hosts.at(name, 'srv/name'))).toThrow(/ENOENT/);
}

it('is saved for its owner only, names what it was made of, and holds no secret', async () => {
  const { code, stdout } = await plan();
  expect(code).toBe(0);
  expect(stdout).toContain('Apply exactly this: bootstrap apply plan.json');
  expect(statSync(join(folder, 'plan.json')).mode & 0o777).toBe(0o600);
  expect(planText()).not.toContain(secret);
  const { file } = readPlanFile(planText(), 'plan.json');
  expect(file.inventory).toMatchObject({ path: 'cluster.yaml' });
  expect(file.inventory.revision).toMatchObject({
    dirty: false,
    commit: expect.stringMatching(/^[0-9a-f]{40}$/),
  });
  expect(file.runbook).toMatchObject({ name: 'mine', builtin: false, path: 'mine.ts' });
  expect(file.hosts.map(({ host }) => host)).toEqual(names);
  expect(file.secrets.map(({ token }) => token)).toEqual(['⟦secret:env:THE_PASSWORD⟧']);
});

it('is refused, each time with the reason, when something is not as it was', async () => {
  const written = planText();
  const inventory = readFileSync(join(folder, 'cluster.yaml'), 'utf8');
  await refused('too old', '--max-age', '0s');
  await refused('--limit and --tags cannot be given', '--limit', 'a-1');
  await refused('is a dry run already', '--dry-run');

  writeFileSync(join(folder, 'cluster.yaml'), `${inventory}# changed\n`);
  await refused(/the inventory .*cluster\.yaml was changed after the plan was made/);
  writeFileSync(join(folder, 'cluster.yaml'), inventory);

  writeFileSync(join(folder, 'mine.ts'), `${runbookText}// changed\n`);
  await refused(/the runbook .*mine\.ts was changed after the plan was made/);
  writeFileSync(join(folder, 'mine.ts'), runbookText);

  writeFileSync(join(folder, 'plan.json'), written.replace('same on all', 'evil on all'));
  await refused('was changed after it was written');
  writeFileSync(join(folder, 'plan.json'), written.slice(0, 2000));
  await refused('it is cut off');
  writeFileSync(join(folder, 'plan.json'), '{"format_version": "1.2"}');
  await refused('is not a plan of Skerry');
  writeFileSync(join(folder, 'plan.json'), written);

  const { code, stderr } = await run(['apply', 'plan.json', '--yes'], 'another-password');
  expect([code, stderr]).toEqual([1, expect.stringContaining('has another value than when')]);

  writeFileSync(hosts.at('a-2', 'srv/same'), 'by hand\n');
  await refused(/"file \/srv\/same" is to change something else[^]*a-2/);
  rmSync(hosts.at('a-2', 'srv/same'));
}, 60_000);

it('is applied once', async () => {
  const { code, stdout, stderr } = await apply();
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toContain('changed');
  expect(readFileSync(hosts.at('a-2', 'srv/name'), 'utf8')).toBe(`a-2 ${secret}\n`);
  for (const name of names) {
    for (const path of ['srv/name', 'srv/same']) rmSync(hosts.at(name, path));
  }
  await refused('this plan was used already');
}, 30_000);
