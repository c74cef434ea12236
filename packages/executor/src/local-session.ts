import { $ } from 'zx/core';
import { type ByteChannel, type Ending, LINGER_MILLISECONDS } from './byte-channel.ts';
import { greeted, greetedShell } from './greeted-shell.ts';
import { becomeBy, opening } from './greeting.ts';
import { abortedError } from './host-error.ts';
import { signalTree } from './process-tree.ts';
import type { SecretBook } from './secret-book.ts';
import type { Session, Shell, SudoSettings } from './shell.ts';
import { upload, type UploadFile, type UploadOptions, type UploadResult } from './upload.ts';

/** Milliseconds for starting a shell on this machine, sudo included. */
const OPEN_MILLISECONDS = 15_000;
/** Milliseconds in which a shell that is ended may take back what it has half done: an unfinished file. */
const TIDY_MILLISECONDS = 2000;

export interface LocalSessionOptions {
  readonly host: string;
  readonly user: string;
  readonly sudo: SudoSettings;
  readonly secrets: SecretBook;
  readonly onSend: (script: string) => void;
}

/** This machine, by the same interface as a host far away. */
export class LocalSession implements Session {
  readonly host: string;
  readonly hostKey = undefined;
  readonly #options: LocalSessionOptions;
  readonly #shells = new Set<Shell>();

  constructor(options: LocalSessionOptions) {
    this.host = options.host;
    this.#options = options;
  }

  async openShell(options: { become: boolean; signal?: AbortSignal }): Promise<Shell> {
    if (options.signal?.aborted === true) throw abortedError(this.host);
    const become = becomeBy(options.become, process.getuid?.() === 0, this.#options.sudo);
    const start = opening(become);
    const channel = spawnLocal(start.command);
    const shell = await greetedShell(channel, start, {
      ...this.#options,
      become,
      timeout: OPEN_MILLISECONDS,
      signal: options.signal,
    });
    this.#shells.add(shell);
    void channel.ended.then(() => this.#shells.delete(shell));
    return shell;
  }

  async upload(files: readonly UploadFile[], options: UploadOptions): Promise<UploadResult> {
    if (options.signal?.aborted === true) throw abortedError(this.host);
    const become = becomeBy(options.become, process.getuid?.() === 0, this.#options.sudo);
    const start = opening(become);
    const channel = spawnLocal(start.command);
    await greeted(channel, start, {
      ...this.#options,
      become,
      timeout: OPEN_MILLISECONDS,
      signal: options.signal,
    });
    return upload(channel, files, { ...options, secrets: this.#options.secrets });
  }

  async close(): Promise<void> {
    await Promise.all([...this.#shells].map((shell) => shell.close()));
  }
}

function spawnLocal(command: string): ByteChannel {
  const discard = (): string[] => Object.assign([], { push: () => 0 });
  const running = $({
    shell: '/bin/sh',
    prefix: '',
    postfix: '',
    quote: (word) => word,
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: false,
    quiet: true,
    verbose: false,
    nothrow: true,
    // what a long-lived shell prints is read as it comes, not kept
    store: { stdout: discard(), stderr: discard(), stdall: discard() },
  })`${command}`;
  const { child } = running;
  const ended = new Promise<Ending>((resolve) => {
    const settle = (code: number | null, signal: NodeJS.Signals | null): void =>
      resolve(code === null ? { how: 'signal', signal: signal ?? 'KILL' } : { how: 'exit', code });
    child?.once('close', settle);
    child?.once('exit', (code, signal) => {
      setTimeout(() => settle(code, signal), LINGER_MILLISECONDS).unref();
    });
    void running.then((output) =>
      resolve({ how: 'lost', reason: output.message === '' ? 'no process' : output.message }),
    );
  });
  running.stdin.on('error', () => {});
  const kill = (): void => {
    running.stdin.destroy();
    const pid = child?.pid;
    if (pid === undefined || child?.exitCode !== null || child.signalCode !== null) return;
    signalTree(pid, 'SIGTERM');
    const late = setTimeout(() => signalTree(pid, 'SIGKILL'), TIDY_MILLISECONDS);
    child.once('exit', () => clearTimeout(late));
  };
  return {
    stdout: running.stdout,
    stderr: running.stderr,
    stdin: running.stdin,
    write: (bytes) => void running.stdin.write(bytes),
    end: () => void running.stdin.end(),
    close: kill,
    kill,
    ended,
  };
}
