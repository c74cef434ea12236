import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startHosts, type LoopbackHosts } from '../../runbook/test/loopback-hosts.ts';
import {
  bootstrap,
  entry,
  eventLines,
  execute,
  onTerminal,
  root,
  type CommandOptions,
} from './command.ts';

const names = ['a-1', 'a-2', 'a-3'];
let hosts: LoopbackHosts;
let folder: string;
let inventory: string;

const runbookText = `
import { play, runbook } from '@skerry/runbook';
import { command, file } from '@skerry/steps';

export default runbook({
  name: 'mine',
  description: 'A runbook of a user, far away from the installation',
  plays: [
    play('Files', { hosts: 'all' }, ({ host }) => [
      file('/srv/same', { content: 'same on all\\n' }),
      file('/srv/name', { content: host.name + ' ' + host.secrets.password + '\\n', mode: '0600' }),
      command('break', {
        run: 'test ! -e /srv/broken || { echo "disk on fire" >&2; exit 9; }',
        unless: 'test ! -e /srv/broken',
      }),
    ]),
  ],
});
`;

beforeAll(async () => {
  hosts = await startHosts(names);
  // Where no node_modules is anywhere above: the runbook's imports come from the installation.
  folder = join(hosts.sshd.folder, 'user');
  mkdirSync(folder);
  inventory = join(folder, 'cluster.yaml');
  writeFileSync(join(folder, 'mine.ts'), runbookText);
  writeFileSync(inventory, inventoryText(names));
  const plain = inventoryText(names).replace(/^  secrets:.*\n/m, '');
  writeFileSync(inventory.replace('.yaml', '-plain.yaml'), plain);
});
afterAll(() => hosts.stop());

function inventoryText(hostNames: readonly string[]): string {
  return [
    'cluster:',
    '  name: loopback',
    '  secrets: { password: "env:THE_PASSWORD" }',
    '  connection:',
    `    { user: root, port: ${hosts.sshd.port}, key: ${hosts.sshd.clientKey}, agent: false, sshConfig: false,`,
    `      knownHosts: [${hosts.sshd.knownHosts}] }`,
    'groups:',
    '  all-of-them:',
    '    hosts:',
    ...hostNames.map((name, index) => `      ${name}: { address: 127.0.1.${index + 1} }`),
    '',
  ].join('\n');
}

const secret = 'correct-horse-battery';
const env = { THE_PASSWORD: secret };
const run = (words: readonly string[], options: CommandOptions = {}) =>
  bootstrap(words, { ...options, env: { ...env, ...options.env } });
const runbook = (): string => join(folder, 'mine.ts');
const onHost = (name: string, path: string): string =>
  readFileSync(hosts.at(name, `srv/${path}`), 'utf8');

describe('exec', () => {
  it('folds the same output of several hosts, and keeps arguments as they are', async () => {
    const tricky = `it's "$HOME" \`x\` $(x) \\ æ`;
    const { code, stdout } = await run(['exec', inventory, '--', 'printf', '%s\\n', tricky]);
    expect(code).toBe(0);
    expect(stdout).toContain('a-[1:3] (3 hosts)');
    expect(stdout.split('\n').filter((line) => line === tricky)).toHaveLength(1);
  });

  it('reads one word with sh, exits with 3 when it fails somewhere, and uses one exec per host', async () => {
    const before = hosts.sshd.sessions();
    const script = 'echo out; echo err >&2; case $SSH_CONNECTION in *127.0.1.2*) exit 5; esac';
    const { code, stdout } = await run([
      'exec',
      inventory,
      '-l',
      'a-1:a-2',
      '--json',
      '--',
      script,
    ]);
    expect(code).toBe(3);
    expect(hosts.sshd.sessions() - before).toBe(2);
    expect(eventLines(stdout)).toMatchObject([
      { type: 'exec-finished', host: 'a-1', code: 0, stdout: 'out\n', stderr: 'err\n' },
      { type: 'exec-finished', host: 'a-2', code: 5 },
    ]);
  });

  it('ends with 4 where a command took too long: what it did is unknown', async () => {
    const { code, stdout, stderr } = await run([
      'exec',
      inventory,
      '-l',
      'a-1',
      '--deadline',
      '1',
      '--',
      'sleep 20',
    ]);
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
    expect(stderr).toMatch(/^UNKNOWN a-1 .*\n {2}timed out: what the command did is unknown/);
  });

  it('needs no secret but those of the connection, and neither do facts', async () => {
    const without = { env: { THE_PASSWORD: '' } };
    expect((await run(['run', runbook(), inventory, '--check'], without)).code).toBe(1);
    const done = await run(['exec', inventory, '-l', 'a-1', '--', 'true'], without);
    expect([done.code, done.stderr]).toEqual([0, '']);
    const facts = await run(['facts', inventory, '-l', 'a-1'], without);
    expect([facts.code, facts.stderr]).toEqual([0, '']);
  });

  it('conceals secrets and control characters in what a host says', async () => {
    const { stdout } = await run([
      'exec',
      inventory,
      '-l',
      'a-1',
      '--',
      `printf '%s\\033[2J\\n' ${secret}`,
    ]);
    expect(stdout).not.toContain(secret);
    expect(stdout).toContain(String.raw`⟦secret:env:THE_PASSWORD⟧\x1b[2J`);
  });
});

describe('facts', () => {
  it('are read from every host', async () => {
    const { code, stdout } = await run(['facts', inventory, '--json']);
    expect(code).toBe(0);
    const lines = eventLines(stdout);
    expect(lines.map((line) => line.type === 'facts' && line.host)).toEqual(names);
    expect(lines[0]).toMatchObject({
      facts: { architecture: process.arch === 'x64' ? 'x86_64' : 'aarch64' },
    });
  });

  it('of a host with another key are not read: exit 3, and what to do', async () => {
    const path = join(folder, 'wrong-key.yaml');
    const wrong = join(folder, 'wrong_known_hosts');
    const [, type = '', key = ''] = readFileSync(hosts.sshd.knownHosts, 'utf8').split(' ');
    const other = key.trim().replace(/.{4}$/, 'AAAA');
    writeFileSync(wrong, `[127.0.1.1]:${hosts.sshd.port} ${type} ${other}\n`);
    writeFileSync(path, inventoryText(['a-1']).replace(hosts.sshd.knownHosts, wrong));
    const { code, stdout, stderr } = await run(['facts', path]);
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
    expect(stderr).toMatch(/UNREACHABLE a-1 .*\[/);
    expect(stderr).toContain('fix: ');
  });
});

describe('plan and apply', () => {
  it('show the plan and change nothing; with --detailed-exitcode 2', async () => {
    const { code, stdout } = await run(['run', runbook(), inventory, '--check']);
    expect(code).toBe(0);
    expect(stdout).toContain('a-[1:3]  (3 hosts)');
    expect(stdout.match(/\/srv\/same/g)?.length).toBeGreaterThan(0);
    expect(stdout).toContain('nothing was changed');
    expect(stdout).not.toContain(secret);
    const detailed = await run(['run', runbook(), inventory, '--check', '--detailed-exitcode']);
    expect(detailed.code).toBe(2);
    for (const name of names) expect(readdirSync(hosts.at(name, 'srv'))).toEqual([]);
  });

  it('refuse to apply where nobody can answer, and change nothing', async () => {
    const { code, stderr } = await run(['run', runbook(), inventory]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/cannot ask[\s\S]*--yes/);
    for (const name of names) expect(readdirSync(hosts.at(name, 'srv'))).toEqual([]);
  });

  it('ask on a terminal; no changes nothing and exits with 1', async () => {
    const { code, stdout } = await onTerminal(
      ['run', runbook(), inventory],
      [{ on: /Apply these 6 changes to 3 hosts\? \[y\/N\] /, keys: 'n\r' }],
      { env },
    );
    expect(code).toBe(1);
    expect(stdout).toContain('Cancelled: nothing was changed.');
    expect(readdirSync(hosts.at('a-1', 'srv'))).toEqual([]);
  });

  it('apply after a yes, verify, and show it on a terminal with fewer lines than hosts', async () => {
    const { code, stdout } = await onTerminal(
      ['run', runbook(), inventory, '-l', 'a-1'],
      [{ on: /\[y\/N\] /, keys: 'y\r' }],
      { env, rows: 4, columns: 50 },
    );
    expect(code).toBe(0);
    expect(stdout).toContain('1 host changed, verified');
    expect(stdout).not.toContain(secret);
    expect(onHost('a-1', 'name')).toBe(`a-1 ${secret}\n`);
    expect(readdirSync(hosts.at('a-2', 'srv'))).toEqual([]);
  });

  it('apply with --yes to the rest, in JSON lines that follow the schema and hold no secret', async () => {
    const { code, stdout, stderr } = await run(['run', runbook(), inventory, '--yes', '--json']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const events = eventLines(stdout);
    expect(events.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['run-started', 'plan', 'step-finished', 'run-finished']),
    );
    expect(events.at(-1)).toMatchObject({ type: 'run-finished', exitCode: 0, verified: true });
    expect(stdout).not.toContain(secret);
    for (const name of names) expect(onHost(name, 'name')).toBe(`${name} ${secret}\n`);
  });

  it('say then that there is nothing to do: 0 also with --detailed-exitcode, one exec per host', async () => {
    const before = hosts.sshd.sessions();
    const again = await run(['run', runbook(), inventory]);
    expect(again.code).toBe(0);
    expect(again.stdout).toContain('Nothing to do: 3 hosts as desired');
    expect(hosts.sshd.sessions() - before).toBe(3);
    const words = ['run', runbook(), inventory, '--dry-run', '--detailed-exitcode'];
    expect((await run(words)).code).toBe(0);
  });

  it('exit with 3 when a step fails somewhere, once with where and why for all such hosts', async () => {
    for (const name of ['a-1', 'a-3']) writeFileSync(hosts.at(name, 'srv/broken'), '');
    const { code, stdout } = await run(['run', runbook(), inventory, '--yes']);
    expect(code).toBe(3);
    const recap = stdout.slice(stdout.indexOf('FAILED'));
    expect(recap).toMatch(/^FAILED a-1, a-3 \(2 hosts\)/);
    expect(recap.match(/^ {2}at Files › command break$/gm)).toHaveLength(1);
    expect(recap).toContain('disk on fire');
    expect(recap).toMatch(/2 of 3 hosts did not end well/);
  });

  it('write a log that only its owner can read and that holds no secret', () => {
    const logs = join(folder, '.skerry', 'logs');
    const files = readdirSync(logs);
    expect(files.length).toBeGreaterThan(5);
    for (const file of files) {
      expect(statSync(join(logs, file)).mode & 0o777).toBe(0o600);
      const text = readFileSync(join(logs, file), 'utf8');
      expect(text).not.toContain(secret);
      expect(text.split('\n')[0]).toContain('"type":"run-started"');
    }
  });
});

describe('a reader that goes away', () => {
  const piped = (reader: string, words: readonly string[]) =>
    execute('bash', [
      '-c',
      `set -o pipefail; "$@" | ${reader}`,
      'bash',
      process.execPath,
      entry,
      ...words,
    ]);

  it('ends what only shows quietly', async () => {
    const shown = await piped('true', ['inventory', inventory]);
    expect(shown).toMatchObject({ code: 0, stderr: '' });
  });

  it('stops an apply as Ctrl-C does; the log goes on to the end', async () => {
    const book = join(folder, 'unseen.ts');
    writeFileSync(
      book,
      `import { play, runbook } from '@skerry/runbook';
import { command } from '@skerry/steps';
export default runbook({ name: 'unseen', description: '', plays: [
  play('One', { hosts: 'all' }, () => [command('one', { run: ': >/srv/unseen', creates: '/srv/unseen' })]),
  play('Two', { hosts: 'all' }, () => [command('two', { run: ': >/srv/two', creates: '/srv/two' })]),
] });
`,
    );
    const ended = await piped('head -n 1', [
      'run',
      book,
      inventory.replace('.yaml', '-plain.yaml'),
      '-y',
      '-v',
    ]);
    expect(ended).toMatchObject({ code: 1, stderr: '' });
    expect(ended.stdout).toMatch(/^unseen on loopback/);
    for (const name of names) expect(existsSync(hosts.at(name, 'srv/two'))).toBe(false);
    const logs = join(folder, '.skerry', 'logs');
    const log = readdirSync(logs).find((file) => file.includes('-unseen-')) ?? '';
    const lines = readFileSync(join(logs, log), 'utf8').trimEnd().split('\n');
    expect(lines.at(-1)).toContain('"type":"run-finished"');
  });
});

describe('the rest of the exit codes', () => {
  it('6 when another run holds the lock, whose owner is named', async () => {
    const slow = join(folder, 'slow.ts');
    writeFileSync(
      slow,
      `import { play, runbook } from '@skerry/runbook';
import { command } from '@skerry/steps';
export default runbook({ name: 'slow', description: 'Takes its time', plays: [
  play('Slow', { hosts: 'a-2' }, () => [command('slow', { run: 'touch /srv/started; sleep 30', creates: '/srv/ended' })]),
] });
`,
    );
    const killed = Promise.withResolvers<() => void>();
    const first = run(['run', slow, inventory, '--yes'], {
      running: (child) => killed.resolve(() => child.kill('SIGINT')),
    });
    const interrupt = await killed.promise;
    await expect
      .poll(() => readdirSync(hosts.at('a-2', 'srv')), { timeout: 15_000 })
      .toContain('started');
    const second = await run(['run', slow, inventory, '--yes']);
    expect(second.code).toBe(6);
    expect(second.stdout).toMatch(/LOCKED a-2[\s\S]*another run holds the lock/);

    // The first Ctrl-C lets the running step end, the second one cuts it off: outcome unknown.
    interrupt();
    await new Promise((done) => {
      setTimeout(done, 300);
    });
    interrupt();
    const ended = await first;
    expect(ended.code).toBe(4);
    expect(ended.stdout).toMatch(/UNKNOWN a-2/);
    expect(ended.stdout).toContain('why: cut off by Ctrl-C');
  });

  it('1 for a runbook that does not exist', async () => {
    const { code, stderr } = await run(['run', 'prepare-nods', inventory]);
    expect(code).toBe(1);
    expect(stderr).toContain('[runbook-missing]');
    for (const place of [root, dirname(folder)]) {
      expect(stderr).toContain(join(place, 'runbooks/prepare-nods.ts'));
    }
  });
});
