import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Connector,
  createConnector,
  type Part,
  SecretBook,
  type Session,
} from '../src/index.ts';
import { endpointOf } from './endpoint.ts';
import { type Sshd, startSshd } from './sshd.ts';

let sshd: Sshd;
let connector: Connector;
let session: Session;
const secrets = new SecretBook();
const sent: string[] = [];
const deadline = 8000;
const part = (code: string, ...args: string[]): Part => ({ code, args });

beforeAll(async () => {
  sshd = await startSshd();
  connector = createConnector({ secrets, onSend: (_host, script) => sent.push(script) });
  session = await connector.connect(endpointOf(sshd));
});
afterAll(async () => {
  await session.close();
  await connector.close();
  await sshd.stop();
});

/** The sshd child that serves a shell: the parent of the login shell that became `sh -s`. */
async function serverOf(shell: Awaited<ReturnType<Session['openShell']>>): Promise<number> {
  const ran = await shell.run([part('echo $PPID')], { deadline });
  return Number(ran.parts[0]?.stdout);
}

describe('a run over a real sshd', () => {
  test('gives those that were joined and got no answer the end of the last one', async () => {
    const shell = await session.openShell({ become: true });
    const code = 'echo "$1"; next 0; [ "$2" != ok ] || exit 0; echo broken >&2; exit 4';
    for (const [second, status] of [
      ['no', 4],
      ['ok', 1],
    ] as const) {
      const parts = ['first', second, 'third'].map((arg) => ({ code, args: [arg], joins: true }));
      const result = await shell.run([...parts, part('echo after')], { deadline });
      expect(result.parts).toMatchObject([
        { code: 0, stdout: 'first\n' },
        { code: status, stdout: '' },
        { code: status, stdout: '' },
        { code: 0, stdout: 'after\n' },
      ]);
    }
    await shell.close();
  });

  test('splits output by part, byte for byte', async () => {
    const shell = await session.openShell({ become: true });
    const result = await shell.run(
      [
        part('printf "%s" "$1"; echo oops >&2; exit 3', 'no newline'),
        part('cat; printf "[%s]" "$@"', "it's", '$(id)\n`x`', 'Ærø ⟦'),
        part('printf "\\377\\376"'),
        part('cd /nonexistent-folder && echo never'),
      ],
      { deadline },
    );
    expect(result).toMatchObject({
      outcome: 'exited',
      parts: [
        { code: 3, stdout: 'no newline', stderr: 'oops\n', utf8: true },
        { code: 0, stdout: "[it's][$(id)\n`x`][Ærø ⟦]", stderr: '', utf8: true },
        { code: 0, utf8: false },
        { code: 2, stdout: '' },
      ],
    });
    await shell.close();
  });

  test('many runs take one exec; both are counted', async () => {
    const connections = sshd.connections();
    const sessions = sshd.sessions();
    const own = await connector.connect(endpointOf(sshd));
    const shell = await own.openShell({ become: true });
    const milliseconds: number[] = [];
    for (let index = 0; index < 50; index++) {
      const started = performance.now();
      const ran = await shell.run([part('echo "$1"', String(index))], { deadline });
      milliseconds.push(performance.now() - started);
      expect(ran.parts[0]?.stdout).toBe(`${index}\n`);
    }
    // With Nagle on it would be 44 ms for each, however quick the machine is.
    expect(Math.min(...milliseconds)).toBeLessThan(25);
    await own.close();
    expect(sshd.connections() - connections).toBe(1);
    expect(sshd.sessions() - sessions).toBe(1);
  });

  test('300,000 multi-byte characters, 3 MB and 1 MB of argument stay whole', async () => {
    const shell = await session.openShell({ become: false });
    const big = "Ærø's €\n".repeat(110_000);
    const ran = await shell.run(
      [
        part('i=0; while [ $i -lt 3000 ]; do printf "%s" "$1"; i=$((i+1)); done', '€'.repeat(100)),
        part('head -c 3000000 /dev/zero | tr "\\0" x'),
        part('printf %s "$1"', big),
      ],
      { deadline },
    );
    expect(ran.outcome).toBe('exited');
    expect(ran.parts[0]?.stdout === '€'.repeat(300_000)).toBe(true);
    expect(ran.parts[1]?.stdout.length).toBe(3_000_000);
    expect(ran.parts[2]?.stdout === big).toBe(true);
    await shell.close();
  });

  test('15 shells at once take 4 connections', async () => {
    const connections = sshd.connections();
    const own = await connector.connect(endpointOf(sshd));
    const shells = await Promise.all(
      Array.from({ length: 15 }, () => own.openShell({ become: false })),
    );
    const ran = await Promise.all(
      shells.map((shell, index) => shell.run([part('echo "$1"', String(index))], { deadline })),
    );
    expect(ran.map((result) => result.parts[0]?.stdout)).toEqual(
      shells.map((_, index) => `${index}\n`),
    );
    await own.close();
    expect(sshd.connections() - connections).toBe(4);
  });

  test('a lock lives as long as its shell', async () => {
    const take = { ...part('exec 9>"$1"; flock -n 9', `${sshd.folder}/lock`), inShell: true };
    const first = await session.openShell({ become: false });
    const second = await session.openShell({ become: false });
    const code = async (shell: typeof first) =>
      (await shell.run([take], { deadline })).parts[0]?.code;
    expect(await code(first)).toBe(0);
    // what a part leaves behind does not hold the lock, nor the channel
    await first.run([part('sleep 20 &')], { deadline });
    expect(await code(second)).toBe(1);
    await first.close();
    expect(await code(second)).toBe(0);
    await second.close();
  });

  test('output comes line by line while a part runs', async () => {
    const shell = await session.openShell({ become: false });
    const heard: [number, string, string, number][] = [];
    const started = performance.now();
    await shell.run([part('echo one; sleep 0.4; printf two'), part('echo err >&2')], {
      deadline,
      onOutput: (...event) => heard.push([...event, performance.now() - started]),
    });
    const ended = performance.now() - started;
    expect(heard.map((event) => event.slice(0, 3))).toEqual([
      [0, 'stdout', 'one\n'],
      [0, 'stdout', 'two'],
      [1, 'stderr', 'err\n'],
    ]);
    expect(ended - (heard[0]?.[3] ?? ended)).toBeGreaterThan(300);
    await shell.close();
  });
});

describe('secrets', () => {
  test('arrive, and are seen nowhere else', async () => {
    const value = "s3cr3t'$(x)\\ Å";
    secrets.add('⟦secret:env:DB⟧', value);
    const shell = await session.openShell({ become: false });
    sent.length = 0;
    const heard: string[] = [];
    const ran = await shell.run(
      [
        part('printf %s "$1" | sha256sum; echo "$1"; echo "$1" >&2', '⟦secret:env:DB⟧'),
        part('ps -eo args; cat /proc/$$/cmdline /proc/$$/environ | tr "\\0" "\\n"'),
      ],
      { deadline, onOutput: (_part, _stream, text) => heard.push(text) },
    );
    const sum = execFileSync('sha256sum', { input: value, encoding: 'utf8' });
    expect(ran.parts[0]?.stdout).toBe(`${sum}⟦secret:env:DB⟧\n`);
    expect(ran.parts[0]?.stderr).toBe('⟦secret:env:DB⟧\n');
    // if it stood in an argument list, its token would stand here
    expect(ran.parts[1]?.stdout).not.toContain('secret:env');
    expect(ran.parts[1]?.stdout).toContain('sh -s');
    expect(sent).toHaveLength(1);
    expect(sent[0]).toContain("'⟦secret:env:DB⟧'");
    expect([...sent, ...heard].join('')).not.toContain('s3cr3t');
    await shell.close();
  });
});

describe('how a run can end', () => {
  test('kill -9 of the sshd child mid-command: lost, and the parts before are known', async () => {
    const own = await connector.connect(endpointOf(sshd));
    const shell = await own.openShell({ become: false });
    const server = await serverOf(shell);
    const started = performance.now();
    setTimeout(() => process.kill(server, 'SIGKILL'), 300);
    const ran = await shell.run([part('echo done'), part('sleep 3')], { deadline });
    expect(ran).toMatchObject({ outcome: 'lost', parts: [{ stdout: 'done\n' }] });
    expect(performance.now() - started).toBeLessThan(2000);
    const again = await shell.run([part('echo no')], { deadline });
    expect(again).toMatchObject({ outcome: 'lost', parts: [] });
    await own.close();
  });

  test('kill -9 while idle harms nobody, and the next run is lost', async () => {
    const own = await connector.connect(endpointOf(sshd));
    const shell = await own.openShell({ become: false });
    process.kill(await serverOf(shell), 'SIGKILL');
    await sleep(100);
    expect((await shell.run([part('true')], { deadline })).outcome).toBe('lost');
    await own.close();
  });

  test('a peer that is stopped: the deadline ends it', async () => {
    const own = await connector.connect(endpointOf(sshd));
    const shell = await own.openShell({ become: false });
    const server = await serverOf(shell);
    process.kill(server, 'SIGSTOP');
    try {
      const started = performance.now();
      const ran = await shell.run([part('true')], { deadline: 700 });
      expect(ran).toMatchObject({ outcome: 'timedOut', parts: [] });
      expect(performance.now() - started).toBeLessThan(1500);
      await own.close();
    } finally {
      process.kill(server, 'SIGKILL');
    }
  });

  test('a peer that is stopped: keepalive finds it, also while a shell is opened', async () => {
    const watchful = createConnector({ secrets, keepalive: 200 });
    const own = await watchful.connect(endpointOf(sshd, { connectTimeout: 3000 }));
    const shell = await own.openShell({ become: false });
    const server = await serverOf(shell);
    const patient = await connector.connect(endpointOf(sshd, { connectTimeout: 3000 }));
    const other = await serverOf(await patient.openShell({ become: false }));
    process.kill(server, 'SIGSTOP');
    process.kill(other, 'SIGSTOP');
    try {
      const started = performance.now();
      const ran = await shell.run([part('true')], { deadline: 60_000 });
      expect(ran).toMatchObject({ outcome: 'lost', parts: [] });
      expect(performance.now() - started).toBeLessThan(3000);
      await expect(patient.openShell({ become: false })).rejects.toThrow(/did not start a shell/);
      await Promise.all([own.close(), patient.close(), watchful.close()]);
    } finally {
      process.kill(server, 'SIGKILL');
      process.kill(other, 'SIGKILL');
    }
  });

  test('abort mid-run: the parts after the one that runs are never started', async () => {
    const own = await connector.connect(endpointOf(sshd));
    const shell = await own.openShell({ become: false });
    const abort = new AbortController();
    setTimeout(() => abort.abort(new Error('Ctrl-C')), 300);
    const file = `${sshd.folder}/after-abort`;
    const started = performance.now();
    const ran = await shell.run(
      [part('echo one'), part('sleep 0.8; echo "$1" >"$1.1"', file), part('echo >"$1.2"', file)],
      { deadline, signal: abort.signal },
    );
    expect(ran).toMatchObject({ outcome: 'aborted', parts: [{ code: 0 }], reason: 'Ctrl-C' });
    expect(performance.now() - started).toBeLessThan(700);
    const again = await shell.run([part('true')], { deadline });
    expect(again.outcome).toBe('lost');
    await own.close();
    await sleep(1000);
    expect([existsSync(`${file}.1`), existsSync(`${file}.2`)]).toEqual([true, false]);
  });

  test('an aborted signal sends nothing', async () => {
    const own = await connector.connect(endpointOf(sshd));
    const shell = await own.openShell({ become: false });
    sent.length = 0;
    const ran = await shell.run([part('true')], { deadline, signal: AbortSignal.abort() });
    expect(ran).toMatchObject({ outcome: 'aborted', parts: [] });
    expect(sent).toEqual([]);
    await own.close();
  });

  test('a part that ends its own shell', async () => {
    const exits = await session.openShell({ become: false });
    const ran = await exits.run(
      [part('echo before'), { ...part('echo last words >&2; exit 7'), inShell: true }],
      { deadline },
    );
    expect(ran).toMatchObject({ outcome: 'lost', parts: [{ stdout: 'before\n' }] });
    expect(ran).toHaveProperty('reason', 'the shell ended with status 7: last words');
    const own = await connector.connect(endpointOf(sshd));
    const killed = await own.openShell({ become: false });
    expect(await killed.run([part('kill -9 $$')], { deadline })).toMatchObject({
      outcome: 'signalled',
      parts: [],
      reason: 'the shell was ended by SIGKILL',
    });
    await own.close();
  });

  test('a syntax error is the failure of its part', async () => {
    const own = await connector.connect(endpointOf(sshd));
    const shell = await own.openShell({ become: false });
    const ran = await shell.run([part('if true; echo'), part('echo next')], { deadline });
    expect(ran).toMatchObject({ outcome: 'exited', parts: [{ code: 2 }, { stdout: 'next\n' }] });
    expect(ran.parts[0]?.stderr).toMatch(/syntax error/i);
    await own.close();
  });
});
