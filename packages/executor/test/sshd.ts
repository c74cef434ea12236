import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface SshdOptions {
  /** 0.0.0.0 by default: every address of 127.0.0.0/8 is then a host of its own. */
  readonly listen?: string;
  /** More lines of sshd_config. */
  readonly config?: readonly string[];
  /** Names and addresses in the known_hosts file; 127.* by default. */
  readonly names?: string;
}

export interface Sshd {
  readonly port: number;
  readonly pid: number;
  readonly folder: string;
  /** Of the host key: the line of the .pub file, and `SHA256:…`. */
  readonly hostKey: string;
  readonly fingerprint: string;
  /** Private key that may log in as root (and, by the same authorized_keys, as any user). */
  readonly clientKey: string;
  readonly authorizedKeys: string;
  readonly knownHosts: string;
  log(): string;
  /** Connections that were accepted, and exec or shell sessions that were started, so far. */
  connections(): number;
  sessions(): number;
  stop(): Promise<void>;
}

/**
 * A real sshd on a free high port, with keys and configuration of its own in a temporary folder.
 * Needs root and /usr/sbin/sshd; counts come from its log (LogLevel VERBOSE).
 */
export async function startSshd(options: SshdOptions = {}): Promise<Sshd> {
  if (process.getuid?.() !== 0 || !existsSync('/usr/sbin/sshd')) {
    throw new Error(
      'tests over SSH need root and /usr/sbin/sshd: apt-get install -y openssh-server',
    );
  }
  const folder = mkdtempSync(path.join(tmpdir(), 'skerry-sshd-'));
  chmodSync(folder, 0o755);
  mkdirSync('/run/sshd', { recursive: true });
  const hostKeyFile = path.join(folder, 'host_key');
  const clientKey = path.join(folder, 'client_key');
  makeKey(hostKeyFile);
  makeKey(clientKey);
  const authorizedKeys = path.join(folder, 'authorized_keys');
  writeFileSync(authorizedKeys, readFileSync(`${clientKey}.pub`), { mode: 0o644 });
  const port = await freePort();
  const hostKey = readFileSync(`${hostKeyFile}.pub`, 'utf8').trim();
  const knownHosts = path.join(folder, 'known_hosts');
  const keyWords = hostKey.split(' ').slice(0, 2).join(' ');
  const names = options.names ?? `[127.*]:${port},[localhost]:${port}`;
  writeFileSync(knownHosts, `${names} ${keyWords}\n`);
  const config = path.join(folder, 'sshd_config');
  writeFileSync(
    config,
    [
      ...(options.config ?? []),
      `Port ${port}`,
      `ListenAddress ${options.listen ?? '0.0.0.0'}`,
      `HostKey ${hostKeyFile}`,
      `AuthorizedKeysFile ${authorizedKeys}`,
      `PidFile ${path.join(folder, 'pid')}`,
      'StrictModes no',
      'UsePAM no',
      'UseDNS no',
      'PermitRootLogin yes',
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      // the last one counts here; of all others the first
      ...(options.config?.some((line) => line.startsWith('MaxStartups')) === true
        ? []
        : ['MaxStartups 500']),
      'LogLevel VERBOSE',
      // Its shells must not read what whoever runs the tests has in ~/.bashrc, which may take long.
      'Match User root',
      `SetEnv HOME=${folder}`,
      '',
    ].join('\n'),
  );
  const logFile = path.join(folder, 'log');
  const child = spawn('/usr/sbin/sshd', ['-D', '-f', config, '-E', logFile], { stdio: 'ignore' });
  await listening(child, port, logFile);
  const log = (): string => (existsSync(logFile) ? readFileSync(logFile, 'utf8') : '');
  const count = (pattern: RegExp): number => log().match(pattern)?.length ?? 0;
  return {
    port,
    pid: child.pid ?? 0,
    folder,
    hostKey,
    fingerprint: execFileSync('ssh-keygen', ['-lf', `${hostKeyFile}.pub`], { encoding: 'utf8' })
      .split(' ')
      .find((word) => word.startsWith('SHA256:')) as string,
    clientKey,
    authorizedKeys,
    knownHosts,
    log,
    connections: () => count(/^Accepted \S+ for /gm),
    sessions: () => count(/^Starting session: /gm),
    stop: async () => {
      const exited = new Promise((resolve) => child.once('exit', resolve));
      if (child.exitCode === null) {
        child.kill('SIGTERM');
        await exited;
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** An ed25519 key pair, or of another type. */
export function makeKey(file: string, options: { type?: string; passphrase?: string } = {}): void {
  const { type = 'ed25519', passphrase = '' } = options;
  execFileSync('ssh-keygen', ['-q', '-t', type, '-N', passphrase, '-C', 'test', '-f', file]);
}

/** A port of 127.0.0.1 on which nothing listens at the moment. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        resolve(typeof address === 'object' && address !== null ? address.port : 0),
      );
    });
  });
}

async function listening(child: ChildProcess, port: number, logFile: string): Promise<void> {
  const until = Date.now() + 10_000;
  while (Date.now() < until) {
    if (child.exitCode !== null) throw new Error(`sshd ended: ${readFileSync(logFile, 'utf8')}`);
    const open = await new Promise<boolean>((resolve) => {
      const socket = connectTcp(port, '127.0.0.1');
      socket.once('connect', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
    if (open) return;
    await sleep(20);
  }
  child.kill('SIGKILL');
  throw new Error('sshd did not listen within 10 s');
}
