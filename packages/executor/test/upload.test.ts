import { execFileSync, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  createConnector,
  SecretBook,
  type Connector,
  type Session,
  type UploadFile,
} from '../src/index.ts';
import { endpointOf } from './endpoint.ts';
import { makeUser, type LoginUser } from './login-user.ts';
import { startSshd, type Sshd } from './sshd.ts';

const password = 'open, sesame';
const secrets = new SecretBook();
let sshd: Sshd;
let login: LoginUser;
let connector: Connector;
let session: Session;
let folder: string;

beforeAll(async () => {
  login = makeUser(`skerryup${process.pid}`, { password });
  sshd = await startSshd();
});
afterAll(async () => {
  await sshd.stop();
  login.remove();
});
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'skerry-upload-'));
  login.allow(`${login.name} ALL=(ALL) NOPASSWD: ALL`);
  connector = createConnector({ secrets });
  session = await connector.connect(endpointOf(sshd, { user: login.name }));
});
afterEach(async () => {
  await session.close();
  await connector.close();
  rmSync(folder, { recursive: true, force: true });
});

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

function fileOf(bytes: Buffer, path: string, more: Partial<UploadFile> = {}): UploadFile {
  const open = (): Readable => Readable.from(chunks(bytes), { objectMode: false });
  return { path, size: bytes.length, sha256: sha256(bytes), open, ...more };
}

function* chunks(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
}

const store = (): string => join(folder, 'store');
const stored = (): string[] => (existsSync(store()) ? readdirSync(store()) : []);

describe('an upload', () => {
  test('brings files byte for byte, as root by sudo, over one channel', async () => {
    const bytes = [
      randomBytes(3_000_000),
      Buffer.alloc(0),
      Buffer.from("exit 1\n'; rm -rf /\n\0\r\n"),
      Buffer.from([...Array(256).keys()]),
    ];
    const before = sshd.sessions();
    const told: number[][] = [];
    const result = await session.upload(
      bytes.map((each, index) => fileOf(each, join(store(), `it's ${index}`))),
      { become: true, onProgress: (file, count) => told.push([file, count]) },
    );
    expect(result).toEqual({ outcome: 'stored' });
    expect(sshd.sessions() - before).toBe(1);
    expect(stored()).toEqual(bytes.map((_, index) => `it's ${index}`));
    for (const [index, each] of bytes.entries()) {
      const path = join(store(), `it's ${index}`);
      expect(readFileSync(path).equals(each)).toBe(true);
      expect(statSync(path)).toMatchObject({ uid: 0, mode: 0o100600 });
    }
    expect(statSync(store()).mode & 0o777).toBe(0o700);
    expect(told.findLast(([file]) => file === 0)).toEqual([0, 3_000_000]);
  });

  test('goes through a sudo that wants a password', async () => {
    login.allow(`${login.name} ALL=(ALL) ALL`);
    const asked = await connector.connect(
      endpointOf(sshd, { user: login.name, sudo: { password } }),
    );
    const bytes = randomBytes(200_000);
    const result = await asked.upload([fileOf(bytes, join(store(), 'x'))], { become: true });
    expect(result).toEqual({ outcome: 'stored' });
    expect(readFileSync(join(store(), 'x')).equals(bytes)).toBe(true);
    await asked.close();
    await expect(session.upload([], { become: true })).rejects.toThrow(/sudo wants a password/);
  });

  test('with another digest is refused by the host; what came before it stays', async () => {
    const one = Buffer.from('one');
    const other = sha256(Buffer.from('other'));
    const result = await session.upload(
      [
        fileOf(one, join(store(), 'a')),
        fileOf(one, join(store(), 'b'), { sha256: other }),
        fileOf(one, join(store(), 'c')),
      ],
      { become: true },
    );
    expect(result).toEqual({
      outcome: 'failed',
      file: 1,
      reason: `what came has the digest ${sha256(one)}, not ${other}`,
    });
    expect(stored()).toEqual(['a']);
  });

  test('says that a disk is full, and leaves nothing on it', async () => {
    execFileSync('mkdir', [store()]);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', store()]);
    try {
      const bytes = randomBytes(8_000_000);
      const result = await session.upload([fileOf(bytes, join(store(), 'x'))], { become: true });
      expect(result).toMatchObject({ outcome: 'failed', file: 0 });
      expect(result).toHaveProperty('reason', expect.stringMatching(/No space left on device/));
      expect(stored()).toEqual([]);
    } finally {
      execFileSync('umount', [store()]);
    }
  });

  test.each([
    ['less', 1000, /3000 bytes were to be sent, and it has 1000/],
    ['more', 5000, /3000 bytes were to be sent, and it has more/],
  ])('of a file that has %s than it should fails', async (_, length, reason) => {
    const bytes = randomBytes(length);
    const file = fileOf(bytes, join(store(), 'x'), { size: 3000 });
    const result = await session.upload([file], { become: true });
    expect(result).toMatchObject({ outcome: 'failed', file: 0 });
    expect(result).toHaveProperty('reason', expect.stringMatching(reason));
    await expect.poll(stored).toEqual([]);
  });

  test('of a file that cannot be read says why', async () => {
    const open = (): Readable =>
      new Readable({ read: (): void => void 0, construct: (done) => done(new Error('EIO')) });
    const result = await session.upload([fileOf(randomBytes(9), join(store(), 'x'), { open })], {
      become: true,
    });
    expect(result).toEqual({ outcome: 'failed', file: 0, reason: 'EIO' });
  });

  test('in which nothing moves is given up', async () => {
    const open = (): Readable => new Readable({ read: (): void => void 0 });
    const result = await session.upload([fileOf(randomBytes(9), join(store(), 'x'), { open })], {
      become: true,
      idle: 300,
    });
    expect(result).toEqual({ outcome: 'timedOut', file: 0, reason: 'nothing moved for 300 ms' });
  });
});

/** Some GiB; this file's alone, so that the process that reads it can be told from all others. */
const size = 1024 ** 3 + process.pid;

/** A file that never ends before it is told to, and counts what was taken of it. */
function endless(path: string): { file: UploadFile; readonly taken: () => number } {
  let taken = 0;
  const chunk = Buffer.alloc(65_536, 7);
  const open = (): Readable =>
    new Readable({
      highWaterMark: 65_536,
      read() {
        taken += chunk.length;
        setImmediate(() => this.push(chunk));
      },
    });
  return { file: { path, size, sha256: '0'.repeat(64), open }, taken: () => taken };
}

describe('an upload that is cut off', () => {
  test('by the user leaves nothing, and other shells of the connection go on', async () => {
    const shell = await session.openShell({ become: false });
    const abort = new AbortController();
    const { file } = endless(join(store(), 'x'));
    const running = session.upload([file], {
      become: true,
      signal: abort.signal,
      onProgress: (_, bytes) => bytes > 1_000_000 && abort.abort(),
    });
    expect(await running).toEqual({ outcome: 'aborted', file: 0, reason: 'aborted' });
    await expect.poll(stored).toEqual([]);
    const ran = await shell.run([{ code: 'echo here', args: [] }], { deadline: 5000 });
    expect(ran.parts[0]?.stdout).toBe('here\n');
  });

  test('by a lost connection says so, and the host cleans up', async () => {
    const { file } = endless(join(store(), 'x'));
    let killed = false;
    const result = await session.upload([file], {
      become: true,
      onProgress: (_, bytes) => {
        if (killed || bytes < 1_000_000) return;
        killed = true;
        const pids = execFileSync('pgrep', ['-f', `sshd.*: ${login.name}`], { encoding: 'utf8' });
        for (const pid of pids.trim().split('\n')) process.kill(Number(pid), 'SIGKILL');
      },
    });
    expect(result).toMatchObject({ outcome: 'lost', file: 0 });
    await expect.poll(stored, { timeout: 5000 }).toEqual([]);
  });

  test('by a host that reads no more takes no more from the file', async () => {
    const abort = new AbortController();
    const { file, taken } = endless(join(store(), 'x'));
    const running = session.upload([file], { become: true, signal: abort.signal });
    await expect.poll(taken).toBeGreaterThan(500_000);
    // What was taken may still be on its way to a program that has not started.
    const find = () => spawnSync('pgrep', ['-xf', `head -c ${size}`], { encoding: 'utf8' }).stdout;
    await expect.poll(find, { timeout: 20_000 }).toMatch(/^\d+\n$/);
    const reader = find();
    process.kill(Number(reader), 'SIGSTOP');
    await sleep(500);
    const before = taken();
    await sleep(500);
    expect(taken()).toBe(before);
    process.kill(Number(reader), 'SIGCONT');
    await expect.poll(taken).toBeGreaterThan(before);
    abort.abort();
    await running;
  });
});

test('a local session takes files the same way', async () => {
  const local = await connector.connect({ transport: 'local', name: 'here', sudo: {} });
  const bytes = randomBytes(1_500_000);
  const path = join(store(), 'x');
  expect(await local.upload([fileOf(bytes, path)], { become: true })).toEqual({
    outcome: 'stored',
  });
  expect(readFileSync(path).equals(bytes)).toBe(true);
  const wrong = fileOf(bytes, join(store(), 'y'), { sha256: '0'.repeat(64) });
  expect(await local.upload([wrong], { become: true })).toMatchObject({ outcome: 'failed' });
  const abort = new AbortController();
  const { file } = endless(join(store(), 'z'));
  const running = local.upload([file], {
    become: true,
    signal: abort.signal,
    onProgress: () => abort.abort(),
  });
  expect(await running).toMatchObject({ outcome: 'aborted' });
  await expect.poll(stored, { timeout: 15_000 }).toEqual(['x']);
});
