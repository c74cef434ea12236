import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DiagnosticError } from '@skerry/diagnostics';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Connector, createConnector, SecretBook, type SshEndpoint } from '../src/index.ts';
import { endpointOf } from './endpoint.ts';
import { freePort, makeKey, type Sshd, startSshd } from './sshd.ts';

let sshd: Sshd;
let connector: Connector;
let folder: string;

beforeAll(async () => {
  sshd = await startSshd();
  connector = createConnector({ secrets: new SecretBook() });
  folder = mkdtempSync(path.join(tmpdir(), 'skerry-connect-'));
});
afterAll(async () => {
  await connector.close();
  await sshd.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function failure(settings: Partial<SshEndpoint>, signal?: AbortSignal) {
  const endpoint = endpointOf(sshd, settings);
  const error: unknown = await connector
    .connect(endpoint, signal === undefined ? {} : { signal })
    .then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
  if (!(error instanceof DiagnosticError)) throw new Error(`no diagnostic but ${String(error)}`);
  const [diagnostic] = error.diagnostics;
  expect(diagnostic?.at).toEqual({ host: 'node-1' });
  return diagnostic;
}

async function works(settings: Partial<SshEndpoint>, by: Connector = connector): Promise<string> {
  const session = await by.connect(endpointOf(sshd, settings));
  const shell = await session.openShell({ become: false });
  const ran = await shell.run([{ code: 'id -un', args: [] }], { deadline: 5000 });
  await session.close();
  expect(session.hostKey).toBe(sshd.fingerprint);
  return ran.parts[0]?.stdout.trim() ?? ran.outcome;
}

const strict = (...knownHosts: string[]) => ({ policy: 'strict', knownHosts }) as const;

describe('host keys', () => {
  test('unknown: refused before any login, with fingerprint and what to do', async () => {
    const before = sshd.connections();
    const diagnostic = await failure({ hostKeys: strict(path.join(folder, 'empty')) });
    expect(diagnostic).toMatchObject({ code: 'host-key-unknown' });
    expect(diagnostic?.what).toContain(sshd.fingerprint);
    expect(diagnostic?.fix).toContain(`ssh-keyscan -p ${sshd.port} 127.0.0.1 >>`);
    expect(sshd.connections()).toBe(before);
  });

  test('the command that the fix names makes it known', async () => {
    const file = path.join(folder, 'scanned');
    const diagnostic = await failure({ hostKeys: strict(file) });
    const command = /`(ssh-keyscan[^`]+)`/.exec(diagnostic?.fix ?? '')?.[1] ?? 'false';
    execFileSync('sh', ['-c', command], { stdio: 'ignore' });
    expect(await works({ hostKeys: strict(file) })).toBe('root');
  });

  test('changed and revoked', async () => {
    const other = path.join(folder, 'other');
    makeKey(other);
    const words = readFileSync(`${other}.pub`, 'utf8').split(' ').slice(0, 2).join(' ');
    const changed = path.join(folder, 'changed');
    writeFileSync(changed, `[127.0.0.1]:${sshd.port} ${words}\n`);
    expect(await failure({ hostKeys: strict(changed) })).toMatchObject({
      code: 'host-key-changed',
      why: expect.stringContaining(`${changed}:1`) as string,
    });
    const revoked = path.join(folder, 'revoked');
    const known = readFileSync(sshd.knownHosts, 'utf8');
    writeFileSync(revoked, `${known}@revoked * ${known.split(' ').slice(1).join(' ')}`);
    expect(await failure({ hostKeys: strict(revoked) })).toMatchObject({
      code: 'host-key-revoked',
    });
    const pin =
      execFileSync('ssh-keygen', ['-lf', other], { encoding: 'utf8' }).split(' ')[1] ?? '';
    expect(await failure({ hostKeys: { policy: 'pinned', keys: [pin] } })).toMatchObject({
      code: 'host-key-changed',
    });
  });

  test('pinned, hashed and accept-new let in', async () => {
    for (const pin of [sshd.fingerprint, sshd.hostKey]) {
      expect(await works({ hostKeys: { policy: 'pinned', keys: [pin] } })).toBe('root');
    }
    const hashed = path.join(folder, 'hashed');
    const plain = readFileSync(sshd.knownHosts, 'utf8').replace(/^\S+/, `[127.0.0.1]:${sshd.port}`);
    writeFileSync(hashed, plain);
    execFileSync('ssh-keygen', ['-q', '-H', '-f', hashed], { stdio: 'ignore' });
    expect(readFileSync(hashed, 'utf8')).toMatch(/^\|1\|/);
    expect(await works({ hostKeys: strict(hashed) })).toBe('root');
    const fresh = path.join(folder, 'fresh');
    const accept = { policy: 'accept-new', knownHosts: [fresh] } as const;
    const hosts = Array.from({ length: 6 }, (_, index) => `127.0.3.${index + 1}`);
    await Promise.all(hosts.map((address) => works({ address, hostKeys: accept })));
    expect(statSync(fresh).mode & 0o777).toBe(0o600);
    expect(readFileSync(fresh, 'utf8').trim().split('\n')).toHaveLength(6);
    expect(await works({ address: '127.0.3.1', hostKeys: strict(fresh) })).toBe('root');
  });

  test('a known_hosts file that cannot be read fails closed', async () => {
    expect(await failure({ hostKeys: strict(folder) })).toMatchObject({
      code: 'known-hosts-unreadable',
    });
  });
});

describe('no answer', () => {
  test('nothing listens, or the name does not resolve', async () => {
    const port = await freePort();
    expect(await failure({ port })).toMatchObject({
      code: 'unreachable',
      what: expect.stringContaining(`127.0.0.1:${port}`) as string,
    });
    expect(await failure({ address: 'no-such-host.invalid' })).toMatchObject({
      code: 'unreachable',
    });
  });

  test('a listener that never speaks; abort while it is silent', async () => {
    const silent = createServer();
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const address = silent.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const started = performance.now();
    expect(await failure({ port, connectTimeout: 400 })).toMatchObject({ code: 'connect-timeout' });
    expect(performance.now() - started).toBeLessThan(1500);
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 100);
    expect(await failure({ port }, abort.signal)).toMatchObject({ code: 'aborted' });
    silent.close();
  });

  test('a port that is no SSH server is not tried again and again', async () => {
    const web = createServer((socket) => {
      socket.on('error', () => {});
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
    });
    web.listen(0, '127.0.0.1');
    await once(web, 'listening');
    const address = web.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const diagnostic = await failure({ port, connectTimeout: 1500 });
    expect(['handshake-failed', 'unreachable']).toContain(diagnostic?.code);
    web.close();
  });

  test('an sshd that drops connections (MaxStartups) is tried again, and all come through', async () => {
    const busy = await startSshd({ config: ['MaxStartups 2:100:3'] });
    const hosts: string[] = [];
    const eager = createConnector({
      secrets: new SecretBook(),
      handshakesPerEndpoint: 8,
      onHandshake: (host) => hosts.push(host),
    });
    const sessions = await Promise.all(
      Array.from({ length: 8 }, () => eager.connect(endpointOf(busy, { connectTimeout: 20_000 }))),
    );
    expect(busy.connections()).toBe(8);
    expect(hosts.length).toBeGreaterThan(8);
    await Promise.all(sessions.map((session) => session.close()));
    await eager.close();
    await busy.stop();
  });

  test('the limit of handshakes keeps them below MaxStartups', async () => {
    const busy = await startSshd({ config: ['MaxStartups 6:100:6'] });
    const hosts: string[] = [];
    const gentle = createConnector({
      secrets: new SecretBook(),
      handshakesPerEndpoint: 4,
      onHandshake: (host) => hosts.push(host),
    });
    const sessions = await Promise.all(
      Array.from({ length: 10 }, () => gentle.connect(endpointOf(busy))),
    );
    expect(hosts).toHaveLength(10);
    await Promise.all(sessions.map((session) => session.close()));
    await gentle.close();
    await busy.stop();
  });
});

describe('authentication', () => {
  test('refused: says what was tried', async () => {
    const key = path.join(folder, 'stranger');
    makeKey(key);
    expect(await failure({ identities: [key] })).toMatchObject({
      code: 'auth-refused',
      why: `tried key ${key}`,
    });
  });

  test('keys that cannot be used', async () => {
    const missing = path.join(folder, 'missing');
    expect(await failure({ identities: [missing] })).toMatchObject({ code: 'key-unreadable' });
    const locked = path.join(folder, 'locked');
    makeKey(locked, { passphrase: 'open sesame' });
    expect(await failure({ identities: [locked] })).toMatchObject({ code: 'passphrase-needed' });
    expect(await failure({ identities: [locked], passphrase: 'shut' })).toMatchObject({
      code: 'passphrase-wrong',
    });
    expect(await failure({ identities: [`${locked}.pub`] })).toMatchObject({
      code: 'key-unreadable',
    });
    writeFileSync(sshd.authorizedKeys, readFileSync(`${locked}.pub`), { flag: 'a' });
    expect(await works({ identities: [locked], passphrase: 'open sesame' })).toBe('root');
    // a key that cannot be used does not stand in the way of one that can
    expect(await works({ identities: [missing, sshd.clientKey] })).toBe('root');
  });

  test('the agent, and one that is not there', async () => {
    const socket = path.join(folder, 'agent');
    const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
    const saved = process.env['SSH_AUTH_SOCK'];
    try {
      const none = [path.join(folder, 'none')];
      process.env['SSH_AUTH_SOCK'] = socket;
      const env = { ...process.env, SSH_AUTH_SOCK: socket };
      await expect
        .poll(() => {
          try {
            execFileSync('ssh-add', ['-q', sshd.clientKey], { env, stdio: 'ignore' });
            return true;
          } catch {
            return false;
          }
        })
        .toBe(true);
      expect(await works({ agent: true, identities: none })).toBe('root');
      process.env['SSH_AUTH_SOCK'] = path.join(folder, 'no-agent');
      expect(await works({ agent: true })).toBe('root');
      const stranger = path.join(folder, 'stranger-2');
      makeKey(stranger);
      const refused = await failure({ agent: true, identities: [stranger] });
      expect(refused).toMatchObject({ code: 'auth-refused' });
      expect(refused?.why).toContain('agent cannot be asked');
      delete process.env['SSH_AUTH_SOCK'];
      writeFileSync(path.join(folder, 'empty-config'), '');
      expect(
        await failure({
          agent: true,
          identities: none,
          sshConfig: path.join(folder, 'empty-config'),
        }),
      ).toMatchObject({ code: 'key-unreadable' });
    } finally {
      if (saved === undefined) delete process.env['SSH_AUTH_SOCK'];
      else process.env['SSH_AUTH_SOCK'] = saved;
      agent.kill();
    }
  });
});
