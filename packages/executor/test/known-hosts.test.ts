import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HostKeyCheck } from '../src/host-key-check.ts';
import { KnownHostsFiles } from '../src/known-hosts-file.ts';
import {
  fingerprint,
  judgeKey,
  knownHostName,
  matchesName,
  parseKnownHosts,
} from '../src/known-hosts.ts';
import { makeKey } from './sshd.ts';

let folder: string;
let keys: { type: string; base64: string; blob: Buffer }[];

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'skerry-known-'));
  keys = ['ed25519', 'ed25519', 'ecdsa'].map((type, index) => {
    const file = path.join(folder, `key${index}`);
    makeKey(file, { type });
    const [word = '', base64 = ''] = readFileSync(`${file}.pub`, 'utf8').split(' ');
    return { type: word, base64, blob: Buffer.from(base64, 'base64') };
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const key = (index: number) => keys[index] ?? { type: '', base64: '', blob: Buffer.alloc(0) };
const line = (names: string, index: number) => `${names} ${key(index).type} ${key(index).base64}\n`;

function check(text: string, options: { name?: string; port?: number } = {}) {
  const { name = 'node.example', port = 22 } = options;
  const wanted = knownHostName(name, port);
  const entries = parseKnownHosts(text, 'f').filter((entry) => matchesName(entry.patterns, wanted));
  return judgeKey(entries, key(0).blob).verdict;
}

describe('names', () => {
  test.each([
    ['node.example', 22, 'node.example', true],
    ['*.example,!bad.example', 22, 'node.example', true],
    ['*.example,!node.example', 22, 'node.example', false],
    ['!node.example,*', 22, 'node.example', false],
    ['node?example', 22, 'node.example', true],
    ['NODE.Example', 22, 'Node.EXAMPLE', true],
    ['[node.example]:2222', 2222, 'node.example', true],
    ['[node.example]:2222', 22, 'node.example', false],
    ['node.example', 2222, 'node.example', false],
    ['[10.0.0.*]:2222', 2222, '10.0.0.7', true],
    ['10.0.0.1', 22, '10.0.0.10', false],
  ])('%s, port %i: %s → %s', (patterns, port, name, expected) => {
    expect(matchesName(patterns, knownHostName(name, port))).toBe(expected);
  });

  test('agrees with ssh-keygen -F, plain and hashed', () => {
    const file = path.join(folder, 'agree');
    const label = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/);
    fc.assert(
      fc.property(
        label,
        label,
        fc.constantFrom(22, 2222),
        fc.boolean(),
        (has, asks, port, hash) => {
          writeFileSync(file, line(knownHostName(has, port), 0));
          if (hash) execFileSync('ssh-keygen', ['-q', '-H', '-f', file], { stdio: 'ignore' });
          const wanted = knownHostName(asks, port);
          const theirs = spawnSync('ssh-keygen', ['-F', wanted, '-f', file]).status === 0;
          const [entry] = parseKnownHosts(readFileSync(file, 'utf8'), file);
          if (hash) expect(entry?.patterns).toMatch(/^\|1\|/);
          expect(matchesName(entry?.patterns ?? '', wanted)).toBe(theirs);
          expect(matchesName(entry?.patterns ?? '', knownHostName(has, port))).toBe(true);
        },
      ),
      { numRuns: 15 },
    );
  });
});

describe('verdicts', () => {
  test.each([
    ['known', () => line('node.example', 0)],
    ['known', () => line('node.example', 1) + line('node.example', 0)],
    ['changed', () => line('node.example', 1)],
    ['changed', () => line('node.example', 2)],
    ['revoked', () => line('node.example', 0) + `@revoked ${line('*', 0)}`],
    ['known', () => line('node.example', 0) + `@revoked ${line('*', 1)}`],
    ['unknown', () => `@cert-authority ${line('*', 0)}`],
    ['unknown', () => `# comment\n\n${line('other.example', 0)}broken\n`],
  ])('%s (%#)', (verdict, text) => {
    expect(check(text())).toBe(verdict);
  });

  test('the fingerprint is what ssh-keygen prints', () => {
    const printed = execFileSync('ssh-keygen', ['-lf', path.join(folder, 'key0.pub')], {
      encoding: 'utf8',
    });
    expect(printed).toContain(fingerprint(key(0).blob));
  });
});

describe('policies', () => {
  const files = (): KnownHostsFiles => new KnownHostsFiles();

  test('accept-new notes a key once, however many connect, and keeps the file whole', async () => {
    const file = path.join(folder, 'deep', 'known_hosts');
    const shared = files();
    const names = Array.from({ length: 40 }, (_, index) => `node-${index % 20}`);
    const target = (name: string) => ({
      host: name,
      name,
      port: 22,
      policy: { policy: 'accept-new', knownHosts: [file] } as const,
    });
    const errors = await Promise.all(
      names.map((name) => new HostKeyCheck(target(name), shared).verify(key(0).blob)),
    );
    expect(errors.filter((error) => error !== undefined)).toEqual([]);
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    expect(lines.toSorted()).toEqual(
      [...new Set(names)].map((name) => line(name, 0).trimEnd()).toSorted(),
    );
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const changed = await new HostKeyCheck(target('node-1'), shared).verify(key(1).blob);
    expect(changed?.diagnostics[0]?.code).toBe('host-key-changed');
  });

  test('accept-new begins a line of its own where the last one lacks its newline', async () => {
    const file = path.join(folder, 'open-end');
    writeFileSync(file, line('other', 1).trimEnd());
    const policy = { policy: 'accept-new', knownHosts: [file] } as const;
    await new HostKeyCheck({ host: 'n', name: 'n', port: 2222, policy }, files()).verify(
      key(0).blob,
    );
    expect(readFileSync(file, 'utf8')).toBe(line('other', 1) + line('[n]:2222', 0));
  });

  test('a file that cannot be read fails closed', async () => {
    const policy = { policy: 'accept-new', knownHosts: [path.join(folder)] } as const;
    const error = await new HostKeyCheck(
      { host: 'n', name: 'n', port: 22, policy },
      files(),
    ).verify(key(0).blob);
    expect(error?.diagnostics[0]?.code).toBe('known-hosts-unreadable');
  });

  test('pins are keys or fingerprints', async () => {
    const verify = (pins: string[]) =>
      new HostKeyCheck(
        { host: 'n', name: 'n', port: 22, policy: { policy: 'pinned', keys: pins } },
        files(),
      ).verify(key(0).blob);
    expect(await verify([fingerprint(key(0).blob)])).toBeUndefined();
    expect(await verify([`${key(0).type} ${key(0).base64} comment`])).toBeUndefined();
    const error = await verify([fingerprint(key(1).blob), `${key(2).type} ${key(2).base64}`]);
    expect(error?.diagnostics[0]?.code).toBe('host-key-changed');
    expect(error?.diagnostics[0]?.what).toContain(fingerprint(key(0).blob));
  });

  test('algorithms of known keys come first', async () => {
    const file = path.join(folder, 'order');
    writeFileSync(file, line('n', 2));
    chmodSync(file, 0o600);
    const policy = { policy: 'strict', knownHosts: [file] } as const;
    const algorithms = await new HostKeyCheck(
      { host: 'n', name: 'n', port: 22, policy },
      files(),
    ).algorithms();
    expect(algorithms[0]).toBe('ecdsa-sha2-nistp256');
    expect(algorithms).not.toContain('ssh-rsa');
  });
});
