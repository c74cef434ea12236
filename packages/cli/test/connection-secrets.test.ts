import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeUser, type LoginUser } from '../../executor/test/login-user.ts';
import { makeKey, startSshd, type Sshd } from '../../executor/test/sshd.ts';
import { bootstrap, onTerminal, type Ended } from './command.ts';

const user = `skerry-s${process.pid}`;
const sudoPassword = 'root-of-all "evil" $x';
const passphrase = 'open sesame, key';
const env = { SUDO_PASSWORD: sudoPassword, KEY_PASSPHRASE: passphrase };
let sshd: Sshd;
let folder: string;
let login: LoginUser;

beforeAll(async () => {
  login = makeUser(user, { password: sudoPassword });
  login.allow(`${user} ALL=(ALL) ALL`, `Defaults:${user} timestamp_timeout=0`);
  sshd = await startSshd();
  folder = join(sshd.folder, 'user');
  mkdirSync(folder);
  const key = join(folder, 'key');
  makeKey(key, { passphrase });
  writeFileSync(sshd.authorizedKeys, readFileSync(`${key}.pub`));
  // A host that tells what it knows, wherever it can.
  writeFileSync(join(folder, 'leak'), `${sudoPassword}\n${passphrase}\n`);
  writeFileSync(
    join(folder, 'leak.ts'),
    `import { play, runbook } from '@skerry/runbook';
import { command, file } from '@skerry/steps';
export default runbook({ name: 'leak', description: '', plays: [
  play('Leak', { hosts: 'all' }, () => [
    file('${folder}/copy', { content: 'differs\\n' }),
    command('leak', { run: 'cat ${folder}/leak; cat ${folder}/leak >&2; exit 3', creates: '/nowhere/x' }),
  ]),
] });
`,
  );
}, 120_000);
afterAll(async () => {
  await sshd.stop();
  login.remove();
});

function inventory(sudo: string, hosts = '{ a: { address: 127.0.0.1 } }'): string {
  const path = join(folder, 'cluster.yaml');
  writeFileSync(
    path,
    `cluster:
  name: c
  connection:
    { user: ${user}, port: ${sshd.port}, key: key, passphrase: "env:KEY_PASSPHRASE", agent: false,
      sshConfig: false, knownHosts: [${sshd.knownHosts}], sudo: ${sudo} }
groups: { g: { hosts: ${hosts} } }
`,
  );
  // What the host has, so that a plan shows it as what is there now.
  writeFileSync(join(folder, 'copy'), readFileSync(join(folder, 'leak')));
  return path;
}

/** Neither secret is in what was printed, nor in any file of the state folder. */
function expectNoSecret(ended: Ended, tokens: readonly string[]): void {
  const files = execFileSync('find', [join(folder, '.skerry'), '-type', 'f'], { encoding: 'utf8' });
  const kept = files
    .trim()
    .split('\n')
    .map((file) => readFileSync(file, 'utf8'));
  const all = [ended.stdout, ended.stderr, ...kept];
  for (const secret of [sudoPassword, JSON.stringify(sudoPassword).slice(1, -1), passphrase]) {
    expect(all.filter((text) => text.includes(secret))).toEqual([]);
  }
  // The host did say it, and the run was logged.
  for (const token of tokens) expect(ended.stdout).toContain(token);
  expect(kept.some((text) => text.includes('"run-finished"'))).toBe(true);
}

const byReference = '{ password: "env:SUDO_PASSWORD" }';
const referenced = ['⟦secret:env:SUDO_PASSWORD⟧', '⟦secret:env:KEY_PASSPHRASE⟧'];

it.each([
  ['apply, in lines', ['--yes', '--verbose']],
  ['apply, in JSON', ['--yes', '--json']],
  ['plan', ['--check']],
])('passwords and passphrases of the connection are concealed: %s', async (_, words) => {
  const run = ['run', join(folder, 'leak.ts'), inventory(byReference), ...words];
  const ended = await bootstrap(run, { env });
  expect(ended.code).toBe(words.includes('--check') ? 0 : 3);
  expectNoSecret(ended, referenced);
});

it('exec as root conceals them too', async () => {
  const words = ['exec', inventory(byReference), '--become', '--', `id -u; cat ${folder}/leak`];
  const ended = await bootstrap(words, { env });
  expect(ended.code).toBe(0);
  expect(ended.stdout).toMatch(/^0$/m);
  expectNoSecret(ended, referenced);
});

it('the sudo password that was typed is shown nowhere', async () => {
  const ended = await onTerminal(
    ['run', join(folder, 'leak.ts'), inventory('{ password: ask }'), '--yes', '--verbose'],
    [{ on: /sudo password/, keys: `${sudoPassword}\r` }],
    { env: { KEY_PASSPHRASE: passphrase }, columns: 200 },
  );
  expect(ended.code).toBe(3);
  expectNoSecret(ended, ['⟦secret:sudo-password⟧']);
});

it('the sudo password is asked for once, however many hosts want it', async () => {
  const three = '{ "a-[1:3]": { address: "127.0.0.[1:3]" } }';
  const path = inventory('true', three);
  const ended = await onTerminal(
    ['exec', path, '--become', '--ask-sudo-password', '--no-color', '--', 'id -u'],
    [{ on: /sudo password/, keys: `${sudoPassword}\r` }],
    { env: { KEY_PASSPHRASE: passphrase }, columns: 200 },
  );
  expect(ended.code).toBe(0);
  expect(ended.stdout).toContain('a-[1:3] (3 hosts)');
  expectNoSecret(ended, []);
});
