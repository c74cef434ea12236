import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { DiagnosticError } from '@skerry/diagnostics';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Connector, createConnector, SecretBook, type SudoSettings } from '../src/index.ts';
import { endpointOf } from './endpoint.ts';
import { makeUser, type LoginUser } from './login-user.ts';
import { type Sshd, startSshd } from './sshd.ts';

const user = `skerry${process.pid}`;
const password = "it's a $ecret";
const secrets = new SecretBook();
let sshd: Sshd;
let connector: Connector;
let login: LoginUser;
const allow = (...rules: string[]): void => login.allow(...rules);

beforeAll(async () => {
  login = makeUser(user, { password });
  sshd = await startSshd();
  connector = createConnector({ secrets });
}, 120_000);
afterAll(async () => {
  await connector.close();
  await sshd.stop();
  login.remove();
});

async function become(sudo: SudoSettings, code = 'id -u; cat'): Promise<unknown> {
  const session = await connector.connect(endpointOf(sshd, { user, sudo }));
  try {
    const shell = await session.openShell({ become: true });
    const ran = await shell.run([{ code, args: [] }], { deadline: 5000 });
    return ran.parts[0]?.stdout;
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    const [diagnostic] = error.diagnostics;
    expect(diagnostic?.at).toEqual({ host: 'node-1' });
    expect(diagnostic?.fix).toBeDefined();
    return diagnostic;
  } finally {
    await session.close();
  }
}

const refused = (what: RegExp): object => ({
  code: 'sudo-refused',
  what: expect.stringMatching(what) as string,
});

describe('sudo', () => {
  test('without a password; one that is given all the same is never sent', async () => {
    allow(`${user} ALL=(ALL) NOPASSWD: ALL`);
    expect(await become({})).toBe('0\n');
    // if it had been sent, `cat` of the shell's input would have run it as a command
    expect(await become({ password })).toBe('0\n');
  });

  test('with a password, given as it is or as a token', async () => {
    allow(`${user} ALL=(ALL) ALL`);
    expect(await become({ password })).toBe('0\n');
    secrets.add('⟦secret:env:SUDO⟧', password);
    expect(await become({ password: '⟦secret:env:SUDO⟧' }, 'ps -eo args')).not.toContain('$ecret');
  });

  test('refusals say which', async () => {
    allow(`${user} ALL=(ALL) ALL`);
    expect(await become({})).toMatchObject(refused(/wants a password/));
    expect(await become({ password: 'wrong' })).toMatchObject(refused(/did not take the password/));
    allow();
    expect(await become({ password })).toMatchObject(refused(/may not become root/));
    expect(await become({})).toMatchObject(refused(/sudo/));
  });

  test('switched off: root needs none, anybody else is told so, and sudo is not asked', async () => {
    allow(`${user} ALL=(ALL) NOPASSWD: ALL`);
    expect(await become({ enabled: false })).toMatchObject({
      code: 'sudo-off',
      what: expect.stringContaining(user) as string,
      fix: expect.stringContaining('become: false') as string,
    });
    const session = await connector.connect(endpointOf(sshd, { sudo: { enabled: false } }));
    const shell = await session.openShell({ become: true });
    const ran = await shell.run([{ code: 'id -u', args: [] }], { deadline: 5000 });
    expect(ran.parts[0]?.stdout).toBe('0\n');
    await session.close();
  });

  test('a refusal leaves other shells of the connection alone', async () => {
    allow(`${user} ALL=(ALL) ALL`);
    const session = await connector.connect(endpointOf(sshd, { user }));
    const shell = await session.openShell({ become: false });
    await expect(session.openShell({ become: true })).rejects.toThrow(/wants a password/);
    const ran = await shell.run([{ code: 'id -un', args: [] }], { deadline: 5000 });
    expect(ran.parts[0]?.stdout).toBe(`${user}\n`);
    await session.close();
  });
});

describe('login shells', () => {
  test('noise from start-up files is not output', async () => {
    writeFileSync(`/home/${user}/.bashrc`, 'echo noise; echo more noise >&2\n');
    const session = await connector.connect(endpointOf(sshd, { user }));
    const shell = await session.openShell({ become: false });
    const ran = await shell.run([{ code: 'echo "$LC_ALL"; echo "$PATH"', args: [] }], {
      deadline: 5000,
    });
    expect(ran.parts[0]?.stdout).toMatch(/^C\n\/.*\/sbin\n$/);
    expect(ran.parts[0]?.stderr).toBe('');
    await session.close();
  });

  test('none that can run sh', async () => {
    execFileSync('usermod', ['-s', '/usr/sbin/nologin', user]);
    const session = await connector.connect(endpointOf(sshd, { user }));
    const error: unknown = await session.openShell({ become: false }).catch((e: unknown) => e);
    expect((error as DiagnosticError).diagnostics[0]).toMatchObject({
      code: 'shell-missing',
      at: { host: 'node-1' },
      why: expect.stringContaining('not available') as string,
    });
    await session.close();
  });
});
