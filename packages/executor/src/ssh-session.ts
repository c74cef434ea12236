import type { ByteChannel } from './byte-channel.ts';
import { greeted, greetedShell } from './greeted-shell.ts';
import { becomeBy, opening, type Become, type Opening } from './greeting.ts';
import { openFailure } from './open-failure.ts';
import type { SecretBook } from './secret-book.ts';
import type { Session, Shell, SudoSettings } from './shell.ts';
import type { SshConnection } from './ssh-connection.ts';
import { upload, type UploadFile, type UploadOptions, type UploadResult } from './upload.ts';

/** sshd allows 10 (`MaxSessions`); a few are left for others. */
const CHANNELS_PER_CONNECTION = 4;

export interface SshSessionOptions {
  readonly host: string;
  readonly user: string;
  readonly sudo: SudoSettings;
  /** Milliseconds for opening a shell. */
  readonly timeout: number;
  readonly secrets: SecretBook;
  readonly onSend: (script: string) => void;
  /** Makes one more connection to the same host. */
  readonly dial: (signal: AbortSignal | undefined) => Promise<SshConnection>;
}

/** A host over SSH: one connection, and more only where many shells are open at once. */
export class SshSession implements Session {
  readonly host: string;
  readonly hostKey: string;
  readonly #options: SshSessionOptions;
  readonly #connections: SshConnection[];
  readonly #shells = new Set<Shell>();
  #dialing: Promise<SshConnection> | undefined;

  constructor(first: SshConnection, options: SshSessionOptions) {
    this.host = options.host;
    this.hostKey = first.hostKey;
    this.#options = options;
    this.#connections = [first];
  }

  async openShell(options: { become: boolean; signal?: AbortSignal }): Promise<Shell> {
    const { channel, start, become } = await this.#start(options);
    const shell = await greetedShell(channel, start, {
      ...this.#options,
      become,
      signal: options.signal,
    });
    this.#shells.add(shell);
    void channel.ended.then(() => this.#shells.delete(shell));
    return shell;
  }

  async upload(files: readonly UploadFile[], options: UploadOptions): Promise<UploadResult> {
    const { channel, start, become } = await this.#start(options);
    await greeted(channel, start, { ...this.#options, become, signal: options.signal });
    return upload(channel, files, { ...options, secrets: this.#options.secrets });
  }

  async close(): Promise<void> {
    await Promise.all([...this.#shells].map((shell) => shell.close()));
    await Promise.all(this.#connections.map((connection) => connection.end()));
  }

  /** Starts a shell on a connection with room; it has not answered yet. */
  async #start(options: {
    readonly become: boolean;
    readonly signal?: AbortSignal;
  }): Promise<{ readonly channel: ByteChannel; readonly start: Opening; readonly become: Become }> {
    const { sudo, user, timeout } = this.#options;
    const become = becomeBy(options.become, user === 'root', sudo);
    const start = opening(become);
    const connection = await this.#withRoom(options.signal);
    const release = (): void => {
      connection.channels -= 1;
    };
    let channel;
    try {
      channel = await connection.exec(start.command, timeout, options.signal);
    } catch (error) {
      release();
      throw openFailure(this.host, { become, user, error });
    }
    void channel.ended.then(release);
    return { channel, start, become };
  }

  /** A connection with a channel to spare, already counted. */
  async #withRoom(signal: AbortSignal | undefined): Promise<SshConnection> {
    for (;;) {
      const free = this.#connections.find(
        (connection) => connection.alive && connection.channels < CHANNELS_PER_CONNECTION,
      );
      if (free !== undefined) {
        free.channels += 1;
        return free;
      }
      this.#dialing ??= this.#options.dial(signal).finally(() => {
        this.#dialing = undefined;
      });
      const connection = await this.#dialing;
      if (!this.#connections.includes(connection)) this.#connections.push(connection);
    }
  }
}
