import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startHosts, type LoopbackHosts } from '../../runbook/test/loopback-hosts.ts';
import { readPlanFile } from '@skerry/runbook';
import { planHtml } from '../src/render/saved/html.ts';
import { planJson } from '../src/render/saved/json.ts';
import { planJunit } from '../src/render/saved/junit.ts';
import { planMarkdown } from '../src/render/saved/markdown.ts';
import { planReport } from '../src/render/saved/report.ts';
import { bootstrap, execute, type Ended } from './command.ts';

/** Signs that JSON, HTML, XML, a shell and a regular expression each write in their own way. */
const password = `c0rrect"horse'&<b>\\battery$`;
const keyLines = ['MIIEpAIBAAKCAQEA7bq', 'x5kTq9Zq8mJc0v4Wd1N'];
const key = `-----BEGIN KEY-----\n${keyLines.join('\n')}\n-----END KEY-----\n`;
const env = { THE_PASSWORD: password, THE_KEY: key };

const entities = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const asMarkup = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (sign) => entities[sign as keyof typeof entities]);
const asJson = (text: string): string => JSON.stringify(text).slice(1, -1);
const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** Every way in which an output could write a secret. */
const forms = [
  password,
  asMarkup(password),
  asMarkup(password).replaceAll('&#39;', '&apos;'),
  asJson(password),
  asJson(asJson(password)),
  asMarkup(asJson(password)),
  base64(password),
  encodeURIComponent(password),
  password.replaceAll("'", String.raw`'\''`),
  'c0rrect',
  '\\battery',
  ...keyLines,
  base64(key),
];

let hosts: LoopbackHosts;
let folder: string;
const outputs = new Map<string, string>();

const runbook = (greeting: string): string => `
import { play, runbook } from '@skerry/runbook';
import { block, command, file, handler, template } from '@skerry/steps';

export default runbook({
  name: 'mine',
  description: 'Secrets wherever they can stand',
  plays: [
    play('Files', { hosts: 'all' }, ({ host }) => {
      const { password, key } = host.secrets;
      const tell = handler('tell', 'printf "%s" "$1"; cat /srv/old; cat /srv/old >&2', password);
      return [
        file('/srv/url', { content: '${greeting} https://me:' + password + '@example.org/\\n', notify: tell }),
        file('/srv/key', { content: '# ${greeting}\\n' + key, mode: '0600' }),
        file('/srv/hidden', { content: password + '${greeting}', mode: '0600', sensitive: true }),
        template('/srv/rendered', 'greeting.hbs', { vars: { greeting: '${greeting}', password } }),
        block('/srv/old', { name: 'mine', content: 'token ' + password + '\\n', create: true }),
        command('told', { run: 'cat /srv/old; printf "%s\\n" "$1" >/srv/told', args: [key], creates: '/srv/told' }),
      ];
    }),
  ],
});
`;

const failing = `
import { play, runbook } from '@skerry/runbook';
import { command } from '@skerry/steps';

export default runbook({
  name: 'failing',
  description: 'It tells what it knows',
  plays: [
    play('Leak', { hosts: 'all' }, () => [
      command('leak', { run: 'cat /srv/key /srv/url; cat /srv/old /srv/key >&2; exit 3', creates: '/nowhere/x' }),
    ]),
  ],
});
`;

beforeAll(async () => {
  hosts = await startHosts(['a-1']);
  folder = join(hosts.sshd.folder, 'user');
  for (const name of ['', 'runbooks', 'templates']) mkdirSync(join(folder, name));
  const { port, clientKey, knownHosts } = hosts.sshd;
  write(
    'cluster.yaml',
    `cluster:
  name: loopback
  secrets: { password: 'env:THE_PASSWORD', key: 'env:THE_KEY' }
  connection:
    { user: root, port: ${port}, key: ${clientKey}, agent: false, sshConfig: false, knownHosts: [${knownHosts}] }
groups: { nodes: { hosts: { a-1: { address: 127.0.1.1 } } } }
`,
  );
  write('runbooks/mine.ts', runbook('before'));
  write('runbooks/failing.ts', failing);
  write('templates/greeting.hbs', '{{greeting}} {{host.name}} {{password}} {{secrets.key}}\n');
  write('policy.yaml', "deny: { opaque: true, steps: ['file /srv/url'] }\n");
  write('.gitignore', '.skerry\nplan.json\n');
  await execute('git', ['init', '-q', '-b', 'main', folder]);
  await execute('git', ['-C', folder, 'add', '.']);
  const who = ['-c', 'user.name=a', '-c', 'user.email=a@b.c'];
  await execute('git', ['-C', folder, ...who, 'commit', '-qm', 'first']);
});
afterAll(() => hosts.stop());

function write(path: string, text: string): void {
  writeFileSync(join(folder, path), text);
}

/** Runs the command, keeps what it printed, and expects this exit code. */
async function run(code: number, ...words: readonly string[]): Promise<Ended> {
  const ended = await bootstrap(words, { cwd: folder, env });
  outputs.set(words.join(' '), ended.stdout + ended.stderr);
  expect(ended.code, ended.stdout + ended.stderr).toBe(code);
  return ended;
}

/** Every file that Skerry left beside the inventory: logs, journal, facts, plans. */
function kept(): Map<string, string> {
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('/.git'))
    .map((entry) => join(entry.parentPath, entry.name));
  return new Map(paths.map((path) => [path, readFileSync(path, 'utf8')]));
}

const on = (path: string): string => hosts.at('a-1', `srv/${path}`);
const mine = ['run', 'mine', 'cluster.yaml'];

it('a plan, all its forms, and its judgement', async () => {
  // The host has the secrets already, in the midst of other text.
  mkdirSync(on(''), { recursive: true });
  writeFileSync(on('url'), `was https://me:${password}@example.org/\n`);
  writeFileSync(on('key'), `# was\n${key}`);
  writeFileSync(on('hidden'), `${password} was`);
  writeFileSync(on('old'), `${password}${password}\nkey: ${key}`);
  await run(0, ...mine, '--dry-run', '--out', 'plan.json', '--verbose');
  await Promise.all([
    run(7, ...mine, '--dry-run', '--json', '--policy', 'policy.yaml'),
    run(7, 'show', 'plan.json', '--format', 'html', '--policy', 'policy.yaml'),
  ]);
  // The command writes the same as these (saved-plan-formats.test.ts).
  const report = planReport(readPlanFile(readFileSync(join(folder, 'plan.json'), 'utf8'), 'plan'));
  for (const render of [planHtml, planMarkdown, planJson, planJunit]) {
    outputs.set(render.name, render(report));
  }
});

it('an apply of it, one that fails, and their logs', async () => {
  await run(0, 'apply', 'plan.json', '--yes', '--json');
  expect(readFileSync(on('told'), 'utf8')).toBe(`${key}\n`);
  await run(3, 'run', 'failing', 'cluster.yaml', '--yes', '--verbose');
});

it('what was changed by hand, and what is asked for otherwise', async () => {
  writeFileSync(on('key'), `# by hand\n${key}`);
  writeFileSync(on('rendered'), `by hand ${password}\n`);
  write('runbooks/mine.ts', runbook('after'));
  const diff = ['diff', 'cluster.yaml', '--runbook', 'mine', '--from', 'HEAD', '--verbose'];
  const drift = [...mine, '--dry-run', '--refresh-only'];
  await Promise.all([
    run(0, ...drift, '--json'),
    run(0, ...drift, '--format', 'markdown'),
    run(0, ...diff, '--format', 'html'),
    run(0, ...diff, '--json'),
    run(0, 'explain', 'cluster.yaml', 'a-1', 'file /srv/url', '--runbook', 'mine'),
  ]);
});

it('none of them holds a secret, in whatever way it is written', () => {
  const files = kept();
  const names = [...files.keys()].join('\n');
  for (const part of ['plan.json', '.skerry/logs/', '.skerry/journal/', '.skerry/facts/']) {
    expect(names).toContain(part);
  }
  for (const [name, text] of [...outputs, ...files]) {
    expect([name, forms.filter((form) => text.includes(form))]).toEqual([name, []]);
  }
  // It was there to be shown: in place of it stands its name.
  const told = [...outputs].filter(([, text]) => text.includes('secret:env:THE_PASSWORD'));
  const untold = [...outputs.keys()].filter((name) => !told.some(([one]) => one === name));
  expect(untold).toEqual([]);
});
