import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { command, file, handler } from '@skerry/steps';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startSshd, type Sshd } from '../../executor/test/sshd.ts';
import { play, runbook, type Runbook } from '../src/index.ts';
import { lines, read, startHosts, type LoopbackHosts } from './loopback-hosts.ts';

let hosts: LoopbackHosts;
beforeAll(async () => {
  hosts = await startHosts(['a', 'b']);
});
afterAll(() => hosts.stop());

test('a host that the failure policy kept from going on has not failed', async () => {
  const rolling = runbook({
    name: 'rolling',
    description: '',
    plays: [
      play('First', { hosts: 'all', serial: 1 }, ({ host }) => [
        file('/srv/first', { content: 'x' }),
        command('b fails', { run: 'false', creates: '/srv/never', when: host.name === 'b' }),
      ]),
      play('Second', { hosts: 'all' }, () => [file('/srv/second', { content: 'x' })]),
    ],
  });
  const { exitCode, hosts: recap, events } = await hosts.run(rolling);
  expect(exitCode).toBe(3);
  expect(recap.map(({ outcome }) => outcome)).toEqual(['changed', 'failed']);
  expect(events.find(({ type }) => type === 'host-verified')).toMatchObject({ remaining: [] });
  expect(events.at(-1)).toMatchObject({ type: 'run-finished', verified: false });
});

test('what follows from a host that failed after a change is judged by what it has become', async () => {
  const conf = '/etc/kubernetes/kubelet.conf';
  mkdirSync(hosts.at('a', 'etc'), { recursive: true });
  const following = runbook({
    name: 'following',
    description: '',
    plays: [
      play('First', { hosts: 'a', maxFailPercentage: 100 }, () => [
        command('join', {
          run: `mkdir -p /etc/kubernetes && echo "server: https://api" >${conf}`,
          creates: conf,
        }),
        command('fail', { run: 'false', creates: '/srv/never' }),
      ]),
      play('Second', { hosts: 'b', maxFailPercentage: 100 }, ({ fleet }) => [
        command('only while a is no member', {
          run: 'true',
          creates: '/srv/never',
          when: fleet.get('a')?.kubernetes.role === '',
        }),
      ]),
    ],
  });
  const { hosts: recap } = await hosts.run(following);
  expect(recap.map(({ outcome }) => outcome)).toEqual(['failed', 'changed']);
});

test('a handler is found again whatever it is called', async () => {
  const ids = ['../up', '.hidden', 'a/b', 'two\nlines', '100%', 'restart x@y.service', '-rf', 'æ'];
  const odd = runbook({
    name: 'odd',
    description: '',
    plays: [
      play('Odd', { hosts: 'a' }, () => [
        file('/srv/odd', {
          content: 'x',
          notify: ids.map((id) => handler(id, 'printf "%s;" "$1" >>/srv/handled', id)),
        }),
        command('once', { run: 'test -e /srv/mended', unless: 'test -e /srv/mended' }),
      ]),
    ],
  });
  expect((await hosts.run(odd)).exitCode).toBe(3);
  expect(readdirSync(hosts.at('a', 'lib/pending'))).toHaveLength(ids.length);
  writeFileSync(hosts.at('a', 'srv/mended'), '');
  const next = await hosts.run(odd);
  expect(lines(next.plan)).toEqual(ids.map((id) => `a handler ${id} (leftover)`));
  expect(next.exitCode).toBe(0);
  expect(read(hosts.at('a', 'srv/handled'))).toBe(ids.map((id) => `${id};`).join(''));
  expect(readdirSync(hosts.at('a', 'lib/pending'))).toEqual([]);
});

test('a handler that another runbook left is no handler of this one, whatever its id', async () => {
  const book = (name: string, says: string, path: string): Runbook =>
    runbook({
      name,
      description: '',
      plays: [
        play('Only', { hosts: 'a' }, () => [
          file(path, { content: 'x', notify: handler('tell', 'echo "$1" >>/srv/told', says) }),
          command('go on', { run: 'test -e /srv/go-on', unless: 'test -e /srv/go-on' }),
        ]),
      ],
    });
  const first = book('first', 'of the first', '/srv/by-first');
  const second = book('second', 'of the second', '/srv/by-second');
  const renamed = book('renamed', 'of the first', '/srv/by-first');
  expect((await hosts.run(first)).exitCode).toBe(3);
  expect((await hosts.run(second)).exitCode).toBe(3);
  writeFileSync(hosts.at('a', 'srv/go-on'), '');

  const next = await hosts.run(second);
  expect(next.exitCode).toBe(0);
  expect(read(hosts.at('a', 'srv/told'))).toBe('of the second\n');
  expect(next.events.filter(({ type }) => type === 'warning')).toMatchObject([
    {
      code: 'unknown-pending-handler',
      what: expect.stringContaining('of runbook "first"') as unknown,
    },
  ]);
  expect(readdirSync(hosts.at('a', 'lib/pending'))).toEqual(['tell']);

  // The same code is the same handler under whatever name of a runbook.
  const last = await hosts.run(renamed);
  expect(lines(last.plan)).toEqual(['a handler tell (leftover)']);
  expect(read(hosts.at('a', 'srv/told'))).toBe('of the second\nof the first\n');
  expect(readdirSync(hosts.at('a', 'lib/pending'))).toEqual([]);

  // An older version left empty files.
  writeFileSync(hosts.at('a', 'lib/pending/tell'), '');
  expect(lines((await hosts.run(first)).plan)).toEqual(['a handler tell (leftover)']);
  expect(readdirSync(hosts.at('a', 'lib/pending'))).toEqual([]);
});

test('two handlers of one id that do different things are refused', async () => {
  const both = runbook({
    name: 'both',
    description: '',
    plays: [
      play('Both', { hosts: 'a' }, () => [
        file('/srv/1', { content: '', notify: handler('restart', 'echo one') }),
        file('/srv/2', { content: '', notify: handler('restart', 'echo two') }),
      ]),
    ],
  });
  const { exitCode, hosts: recap } = await hosts.run(both, { mode: 'plan' });
  expect([exitCode, recap[0]?.failure?.code]).toEqual([3, 'handler-conflict']);
});

const user = `skerry${process.pid}`;
const sudoers = `/etc/sudoers.d/${user}`;

/** One play as root and one as the login user, with the same handler; the second one is cut off. */
function asBoth(folder: string): Runbook {
  const mark = handler('mark', 'id -un >>"$1/handled-$(id -un)"', folder);
  const mended = `test -e ${folder}/mended`;
  return runbook({
    name: 'both',
    description: '',
    plays: [
      play('Root', { hosts: 'a' }, () => [file(`${folder}/root`, { content: 'x', notify: mark })]),
      play('Login', { hosts: 'a', become: false }, () => [
        command('login', { run: `: >${folder}/login`, creates: `${folder}/login`, notify: mark }),
        command('cut off', { run: mended, unless: mended }),
      ]),
    ],
  });
}

test('what plays of the login user left is found beside what those of root left', async () => {
  let sshd: Sshd | undefined;
  const folder = `/tmp/${user}`;
  execFileSync('useradd', ['-m', '-s', '/bin/sh', user]);
  // Without a password sshd takes the account for a locked one.
  execFileSync('chpasswd', { input: `${user}:${Math.random()}\n` });
  try {
    writeFileSync(sudoers, `${user} ALL=(ALL) NOPASSWD: ALL\n`, { mode: 0o440 });
    mkdirSync(folder);
    execFileSync('chown', [user, folder]);
    sshd = await startSshd();
    const { port, clientKey, knownHosts } = sshd;
    const book = asBoth(folder);
    const { endpointOf } = hosts.request(book);
    const options: Parameters<LoopbackHosts['run']>[1] = {
      endpointOf: (host) => {
        const endpoint = endpointOf(host);
        if (endpoint.transport !== 'ssh') return endpoint;
        const hostKeys = { policy: 'strict', knownHosts: [knownHosts] } as const;
        return { ...endpoint, port, user, identities: [clientKey], hostKeys };
      },
    };
    const first = await hosts.run(book, options);
    expect(first.hosts).toMatchObject([{ failure: { code: 'step-failed' } }]);
    expect(existsSync(`${folder}/handled-${user}`)).toBe(false);
    writeFileSync(`${folder}/mended`, '');
    const next = await hosts.run(book, options);
    expect(lines(next.plan)).toEqual(['a handler mark (leftover)']);
    expect(next.exitCode).toBe(0);
    expect(read(`${folder}/handled-${user}`)).toBe(`${user}\n`);
    expect(read(`${folder}/handled-root`)).toBe('root\n');
    expect(lines((await hosts.run(book, options)).plan)).toEqual([]);
  } finally {
    await sshd?.stop();
    rmSync(sudoers, { force: true });
    rmSync(folder, { recursive: true, force: true });
    execFileSync('userdel', ['-rf', user], { stdio: 'ignore' });
  }
});

test('as root, plays of both kinds share what is left', async () => {
  const book = asBoth('/srv');
  expect((await hosts.run(book)).exitCode).toBe(0);
  expect(existsSync(hosts.at('a', 'srv/login'))).toBe(true);
});
