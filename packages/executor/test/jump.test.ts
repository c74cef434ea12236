import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DiagnosticError } from '@skerry/diagnostics';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Connector,
  createConnector,
  SecretBook,
  type Session,
  type SshEndpoint,
} from '../src/index.ts';
import { endpointOf } from './endpoint.ts';
import { freePort, type Sshd, startSshd } from './sshd.ts';

let outer: Sshd;
let inner: Sshd;
let target: Sshd;
let connector: Connector;

beforeAll(async () => {
  [outer, inner, target] = await Promise.all([startSshd(), startSshd(), startSshd()]);
  connector = createConnector({ secrets: new SecretBook() });
});
afterAll(async () => {
  await connector.close();
  await Promise.all([outer.stop(), inner.stop(), target.stop()]);
});

const hops = (): SshEndpoint[] => [
  endpointOf(outer, { name: 'outer' }),
  endpointOf(inner, { name: 'inner' }),
];

async function whoAnswers(session: Session): Promise<string | undefined> {
  const shell = await session.openShell({ become: false });
  const code = 'echo "$SSH_CONNECTION" | cut -d" " -f4';
  const ran = await shell.run([{ code, args: [] }], { deadline: 5000 });
  await session.close();
  return ran.parts[0]?.stdout.trim();
}

describe('jump hosts', () => {
  test('two hops, shared by ten hosts behind them', async () => {
    const before = { outer: outer.connections(), inner: inner.connections() };
    const answers = await Promise.all(
      Array.from({ length: 10 }, async (_, index) => {
        const endpoint = endpointOf(target, { address: `127.0.4.${index + 1}`, jumps: hops() });
        return whoAnswers(await connector.connect(endpoint));
      }),
    );
    expect(new Set(answers)).toEqual(new Set([String(target.port)]));
    expect(outer.connections() - before.outer).toBe(1);
    expect(inner.connections() - before.inner).toBe(1);
    expect(outer.sessions() + inner.sessions()).toBe(0);
  });

  test('each hop is verified under its own name', async () => {
    const [first, second] = hops();
    if (first === undefined || second === undefined) throw new Error('no hops');
    const unknown = { policy: 'strict', knownHosts: [path.join(outer.folder, 'none')] } as const;
    const blind = endpointOf(target, { jumps: [first, { ...second, hostKeys: unknown }] });
    const error: unknown = await connector.connect(blind).catch((thrown: unknown) => thrown);
    expect((error as DiagnosticError).diagnostics[0]).toMatchObject({
      code: 'host-key-unknown',
      at: { host: 'inner' },
    });
  });

  test('a host that the last hop cannot reach', async () => {
    const port = await freePort();
    const error: unknown = await connector
      .connect(endpointOf(target, { port, jumps: hops() }))
      .catch((thrown: unknown) => thrown);
    expect((error as DiagnosticError).diagnostics[0]).toMatchObject({
      code: 'unreachable',
      at: { host: 'node-1' },
      what: expect.stringContaining('through inner') as string,
    });
  });

  test('a hop that was lost is connected anew', async () => {
    const endpoint = endpointOf(target, { jumps: hops().slice(0, 1) });
    const session = await connector.connect(endpoint);
    const before = outer.connections();
    const servers = execFileSync('pgrep', ['-P', String(outer.pid)], { encoding: 'utf8' });
    for (const pid of servers.trim().split('\n')) process.kill(Number(pid), 'SIGKILL');
    const shell = session.openShell({ become: false });
    await expect(shell).rejects.toThrow(/lost/);
    expect(await whoAnswers(await connector.connect(endpoint))).toBe(String(target.port));
    expect(outer.connections() - before).toBe(1);
    await session.close();
  });
});

describe('ssh_config', () => {
  const config = (text: string): string => {
    const file = path.join(target.folder, `config-${Math.random()}`);
    writeFileSync(file, text);
    return file;
  };
  const bare = (sshConfig: string): SshEndpoint => ({
    transport: 'ssh',
    name: 'node-1',
    address: 'alias',
    identities: [],
    agent: false,
    jumps: [],
    hostKeys: { policy: 'strict', knownHosts: [] },
    sudo: {},
    connectTimeout: 10_000,
    sshConfig,
  });

  test('gives name, port, user, key, known hosts and jump hosts', async () => {
    const both = path.join(target.folder, 'both');
    const known = [outer, target].map((sshd) => readFileSync(sshd.knownHosts, 'utf8')).join('');
    writeFileSync(both, known);
    const file = config(
      [
        'Host bastion',
        '  HostName 127.0.5.1',
        `  Port ${outer.port}`,
        `  IdentityFile ${outer.clientKey}`,
        'Host alias',
        '  HostName 127.0.5.2',
        `  Port ${target.port}`,
        `  IdentityFile ${target.clientKey}`,
        '  ProxyJump bastion',
        'Host *',
        '  User root',
        `  UserKnownHostsFile ${both}`,
      ].join('\n'),
    );
    const before = outer.connections();
    const session = await connector.connect(bare(file));
    expect(session.hostKey).toBe(target.fingerprint);
    expect(await whoAnswers(session)).toBe(String(target.port));
    expect(outer.connections() - before).toBe(1);
    // what the inventory says wins
    const direct = { ...bare(file), port: inner.port, identities: [inner.clientKey] };
    const error: unknown = await connector
      .connect({
        ...direct,
        address: 'bastion',
        hostKeys: { policy: 'strict', knownHosts: [both] },
      })
      .catch((thrown: unknown) => thrown);
    expect((error as DiagnosticError).diagnostics[0]).toMatchObject({ code: 'host-key-unknown' });
  });

  test.each([
    ['ssh-config-invalid', 'Nonsense yes\n'],
    ['ssh-config-unsupported', 'Host *\n  ProxyCommand nc %h %p\n'],
    [
      'jump-loop',
      'Host *\n  HostName 127.0.0.1\nHost a alias\n  ProxyJump b\nHost b\n  ProxyJump a\n',
    ],
  ])('%s', async (code, text) => {
    const error: unknown = await connector
      .connect(bare(config(text)))
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(DiagnosticError);
    expect((error as DiagnosticError).diagnostics[0]).toMatchObject({
      code,
      at: { host: 'node-1' },
    });
  });
});
