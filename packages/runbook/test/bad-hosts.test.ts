import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { SshEndpoint } from '@skerry/executor';
import { file, gateKind, type Step } from '@skerry/steps';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeUser, type LoginUser } from '../../executor/test/login-user.ts';
import { makeKey, freePort, startSshd } from '../../executor/test/sshd.ts';
import { play, runbook, type Failure, type HostOutcome, type Runbook } from '../src/index.ts';
import { lines, read, startHosts, type LoopbackHosts } from './loopback-hosts.ts';

let hosts: LoopbackHosts;
beforeAll(async () => {
  hosts = await startHosts(['a', 'b']);
});
afterAll(() => hosts.stop());

const onB = (...steps: readonly Step[]): Runbook =>
  runbook({ name: 'r', description: '', plays: [play('P', { hosts: 'all' }, () => [...steps])] });

interface Ended {
  readonly exitCode: number;
  readonly outcome: HostOutcome;
  readonly failure: Failure;
  readonly changed: number;
}

/** Applies to `a`, which is well, and to `b`, which is reached by `settings`: what became of `b`. */
async function applied(
  settings: Partial<SshEndpoint>,
  book: Runbook = onB(file('/srv/x', { content: 'x' })),
): Promise<Ended> {
  const { endpointOf } = hosts.request(book);
  const ended = await hosts.run(book, {
    endpointOf: (host) => {
      const endpoint = endpointOf(host);
      if (host.name === 'a' || endpoint.transport !== 'ssh') return endpoint;
      return { ...endpoint, ...settings };
    },
  });
  const [well, ill] = ended.hosts;
  expect(well?.failure).toBeUndefined();
  expect(['changed', 'converged']).toContain(well?.outcome);
  if (ill?.failure === undefined) throw new Error(`b is ${ill?.outcome}`);
  const told = ended.events.filter((event) => event.type === 'host-failed');
  expect(told).toMatchObject([{ host: 'b', failure: ill.failure }]);
  const { outcome, changed, failure } = ill;
  for (const word of ['what', 'why', 'fix'] as const) expect(failure[word]).toMatch(/\w/);
  return { exitCode: ended.exitCode, outcome, failure, changed };
}

describe('a host that is not reached: the others go on, exit code 3, and what to do', () => {
  test('unknown host key', async () => {
    const knownHosts = join(hosts.sshd.folder, 'empty');
    writeFileSync(knownHosts, '');
    const { exitCode, outcome, failure } = await applied({
      hostKeys: { policy: 'strict', knownHosts: [knownHosts] },
    });
    expect({ exitCode, outcome, code: failure.code }).toEqual({
      exitCode: 3,
      outcome: 'unreachable',
      code: 'host-key-unknown',
    });
    expect(`${failure.what} ${failure.why}`).toContain(hosts.sshd.fingerprint);
    expect(failure.fix).toContain('ssh-keyscan');
  });

  test('changed host key', async () => {
    const other = join(hosts.sshd.folder, 'other_key');
    makeKey(other);
    const known = join(hosts.sshd.folder, 'other_known');
    const key = readFileSync(`${other}.pub`, 'utf8').split(' ').slice(0, 2).join(' ');
    writeFileSync(known, `[127.0.1.2]:${hosts.sshd.port} ${key}\n`);
    const { outcome, failure } = await applied({
      hostKeys: { policy: 'strict', knownHosts: [known] },
    });
    expect([outcome, failure.code]).toEqual(['unreachable', 'host-key-changed']);
    expect(failure.fix).toMatch(/`ssh-keygen -f \S+ -R /);
  });

  test('refused authentication', async () => {
    const stranger = join(hosts.sshd.folder, 'stranger');
    makeKey(stranger);
    const { outcome, failure } = await applied({ identities: [stranger] });
    expect([outcome, failure.code]).toEqual(['unreachable', 'auth-refused']);
    expect(failure.why).toContain(stranger);
  });

  test('nothing listens', async () => {
    const { outcome, failure } = await applied({
      port: await freePort(),
      hostKeys: { policy: 'pinned', keys: [hosts.sshd.fingerprint] },
    });
    expect([outcome, failure.code]).toEqual(['unreachable', 'unreachable']);
  });

  test('something listens and never speaks', async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((done) => {
      silent.listen(0, '127.0.1.2', done);
    });
    const address = silent.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const { outcome, failure } = await applied({
      port,
      connectTimeout: 500,
      hostKeys: { policy: 'pinned', keys: [hosts.sshd.fingerprint] },
    });
    silent.close();
    expect([outcome, failure.code]).toEqual(['unreachable', 'connect-timeout']);
  });
});

describe('a host that answers nothing is a failure, never "no change"', () => {
  const shell = (then: string): string => `sh -c "\${SSH_ORIGINAL_COMMAND%exec sh -s*}${then}'"`;
  test.each([
    ['no shell', 'true', 'shell-missing'],
    ['a shell that ends without a word', shell('exit 0'), 'probe-lost'],
    ['one that reads the script and says nothing', shell('head -c 100 >/dev/null'), 'probe-lost'],
    ['one that answers with noise', shell('head -c 100 >/dev/null; echo hello'), 'probe-lost'],
  ])('%s', async (_, command, code) => {
    const program = join(hosts.sshd.folder, 'silent');
    writeFileSync(program, `#!/bin/sh\n${command}\n`, { mode: 0o755 });
    const sshd = await startSshd({ config: [`ForceCommand ${program}`] });
    try {
      const { exitCode, failure, changed } = await applied({
        port: sshd.port,
        identities: [sshd.clientKey],
        hostKeys: { policy: 'strict', knownHosts: [sshd.knownHosts] },
      });
      expect({ exitCode, changed, code: failure.code }).toEqual({ exitCode: 3, changed: 0, code });
    } finally {
      await sshd.stop();
    }
  });
});

describe('a host that cannot be changed: the step is named, and nothing is half written', () => {
  const big = file('/srv/disk/big', { content: 'x'.repeat(300_000) });
  const at = (path: string): string => hosts.at('b', path);
  const withMount = async (options: string, work: () => Promise<void>): Promise<void> => {
    mkdirSync(at('srv'), { recursive: true });
    mkdirSync(hosts.at('a', 'srv/disk'), { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', at('srv')]);
    try {
      mkdirSync(at('srv/disk'));
      writeFileSync(at('srv/disk/big'), 'as it was\n');
      execFileSync('mount', ['-o', options, at('srv')]);
      await work();
      expect(read(at('srv/disk/big'))).toBe('as it was\n');
      expect(execFileSync('ls', ['-A', at('srv/disk')], { encoding: 'utf8' })).toBe('big\n');
    } finally {
      execFileSync('umount', [at('srv')]);
    }
  };

  test.each([
    ['full disk', 'remount,rw', /No space left on device/],
    ['read-only file system', 'remount,ro', /Read-only file system/],
  ])('%s', async (_, options, why) => {
    await withMount(options, async () => {
      const { exitCode, outcome, failure } = await applied({}, onB(big));
      expect({ exitCode, outcome, code: failure.code }).toEqual({
        exitCode: 3,
        outcome: 'failed',
        code: 'step-failed',
      });
      expect(failure.step).toBe('P › file /srv/disk/big');
      expect(failure.why).toMatch(why);
    });
  });
});

describe('a login user without the right', () => {
  const user = `skerry-b${process.pid}`;
  let login: LoginUser;
  beforeAll(() => {
    login = makeUser(user);
  }, 120_000);
  afterAll(() => login.remove());

  test('to sudo', async () => {
    const { exitCode, outcome, failure } = await applied({ user });
    expect({ exitCode, outcome, code: failure.code }).toEqual({
      exitCode: 3,
      outcome: 'failed',
      code: 'sudo-refused',
    });
    expect(failure.what).toContain(user);
    expect(failure.fix).toMatch(/sudoers|sudo: \{/);
  });

  test('with sudo: false', async () => {
    const { outcome, failure } = await applied({ user, sudo: { enabled: false } });
    expect([outcome, failure.code]).toEqual(['failed', 'sudo-off']);
  });

  test('to write where the play does not want root: the step is named', async () => {
    const path = `/var/lib/skerry-${process.pid}`;
    const book = runbook({
      name: 'r',
      description: '',
      plays: [
        play('P', { hosts: 'b', become: false }, () => [file(`${path}/x`, { content: 'x' })]),
        play('Other', { hosts: 'a' }, () => []),
      ],
    });
    mkdirSync(path);
    try {
      const { failure } = await applied({ user, sudo: { enabled: false } }, book);
      expect(failure).toMatchObject({ code: 'step-failed', step: `P › file ${path}/x` });
      expect(failure.why).toMatch(/Permission denied/);
    } finally {
      rmSync(path, { recursive: true });
    }
  });
});

describe('refusals', () => {
  const gate = (name: string, desired: object): Step => ({
    kind: gateKind,
    name,
    desired: { name, ...desired },
    options: {},
  });
  const old = gate('kernel', { kernel: { minimum: '99.1', why: 'of a feature' } });
  const small = gate('memory', { memory: 99_999_999 });

  test('each keeps its reason; every fix is shown', async () => {
    const book = onB(old, small, file('/srv/after', { content: 'x' }));
    const { hosts: recap, plan, exitCode } = await hosts.run(book);
    expect(exitCode).toBe(3);
    expect(lines(plan)).toHaveLength(6);
    const [first] = recap;
    expect(first).toMatchObject({ outcome: 'refused', changed: 0 });
    const told = first?.failure?.what.split('\n') ?? [];
    expect(told).toHaveLength(2);
    expect(told[0]).toMatch(/^gate kernel: .+ — .+/);
    expect(told[1]).toMatch(/^gate memory: .+ — .+/);
    expect(first?.failure?.fix?.split('\n').length).toBeGreaterThanOrEqual(2);
    expect(existsSync(hosts.at('a', 'srv/after'))).toBe(false);
  });

  test('a single one is told with its step, reason and fix', async () => {
    const { hosts: recap } = await hosts.run(onB(old));
    expect(recap[0]?.failure).toMatchObject({
      code: 'refused',
      step: 'P › gate kernel',
      why: expect.stringContaining('feature') as string,
      fix: expect.any(String) as string,
    });
  });
});
