import type { Duplex } from 'node:stream';
import { NodeSSH } from 'node-ssh';
import type { Client, ClientChannel } from 'ssh2';
import type { DiagnosticError } from '@skerry/diagnostics';
import { type ByteChannel, type Ending, LINGER_MILLISECONDS } from './byte-channel.ts';
import { ChannelError } from './channel-error.ts';
import { abortedError } from './host-error.ts';
import type { HostKeyCheck } from './host-key-check.ts';
import { fingerprint } from './known-hosts.ts';
import type { AuthPlan } from './ssh-auth.ts';
import { connectFailure } from './ssh-failure.ts';

/** Node's own crypto is fast with these; the rest follows for old servers. */
const KEX = [
  'curve25519-sha256',
  'curve25519-sha256@libssh.org',
  'ecdh-sha2-nistp256',
  'ecdh-sha2-nistp384',
  'ecdh-sha2-nistp521',
  'diffie-hellman-group-exchange-sha256',
  'diffie-hellman-group14-sha256',
  'diffie-hellman-group16-sha512',
  'diffie-hellman-group18-sha512',
] as const;
const CIPHERS = [
  'aes128-gcm@openssh.com',
  'aes256-gcm@openssh.com',
  'chacha20-poly1305@openssh.com',
  'aes128-ctr',
  'aes192-ctr',
  'aes256-ctr',
] as const;

const KEEPALIVE_COUNT = 3;
/** How long a peer may take to close a connection that we ended. */
const END_MILLISECONDS = 1000;

export interface Dial {
  /** The name in the inventory, for messages. */
  readonly host: string;
  readonly address: string;
  readonly port: number;
  readonly user: string;
  /** A stream through a jump host, in place of a TCP connection. */
  readonly sock: Duplex | undefined;
  readonly auth: AuthPlan;
  readonly hostKey: HostKeyCheck;
  /** Milliseconds for this attempt. */
  readonly timeout: number;
  /** Milliseconds between signs of life. */
  readonly keepalive: number;
  readonly signal: AbortSignal | undefined;
}

/** One authenticated connection. Whatever happens to it, it never throws out of an event. */
export class SshConnection {
  readonly client: Client;
  /** `SHA256:…` */
  readonly hostKey: string;
  #lost: string | undefined;
  /** Settles when the connection is gone. */
  readonly closed: Promise<void>;
  /** Channels that are open or being opened. */
  channels = 0;

  private constructor(client: Client, hostKey: string) {
    this.client = client;
    this.hostKey = hostKey;
    this.closed = new Promise((resolve) => {
      client.on('error', (error: Error) => {
        this.#lost ??= error.message;
      });
      client.on('close', () => {
        this.#lost ??= 'the connection was closed';
        resolve();
      });
    });
  }

  get alive(): boolean {
    return this.#lost === undefined;
  }

  /** Why the connection is gone. */
  get lost(): string {
    return this.#lost ?? 'the connection is gone';
  }

  /** Connects and authenticates. @throws DiagnosticError */
  static async dial(dial: Dial): Promise<SshConnection> {
    if (dial.signal?.aborted === true) throw abortedError(dial.host);
    const serverHostKey = await dial.hostKey.algorithms();
    const ssh = new NodeSSH();
    let shown: Buffer | undefined;
    let refused: DiagnosticError | undefined;
    const judge = async (key: Buffer, verify: (good: boolean) => void): Promise<void> => {
      refused = await dial.hostKey.verify(key);
      verify(refused === undefined);
    };
    const connecting = ssh.connect({
      ...(dial.sock === undefined ? { host: dial.address, port: dial.port } : { sock: dial.sock }),
      username: dial.user,
      authHandler: dial.auth.handler,
      readyTimeout: 0,
      keepaliveInterval: dial.keepalive,
      keepaliveCountMax: KEEPALIVE_COUNT,
      algorithms: {
        kex: [...KEX],
        cipher: [...CIPHERS],
        serverHostKey: serverHostKey as never,
      },
      hostVerifier: (key: Buffer, verify: (good: boolean) => void): void => {
        shown = key;
        void judge(key, verify);
      },
    });
    // connect() has made the client before its first await; from here on an error has a listener
    const client = ssh.connection;
    if (client === null) {
      await connecting;
      throw new Error('node-ssh made no client');
    }
    client.on('error', () => {});
    let cause: 'aborted' | 'timedOut' | undefined;
    const give = (why: 'aborted' | 'timedOut') => (): void => {
      cause ??= why;
      client.destroy();
    };
    const onAbort = give('aborted');
    const timer = setTimeout(give('timedOut'), dial.timeout);
    dial.signal?.addEventListener('abort', onAbort);
    try {
      await connecting;
    } catch (error) {
      client.destroy();
      if (cause === 'aborted') throw abortedError(dial.host);
      if (refused !== undefined) throw refused;
      throw connectFailure(dial, error, {
        timedOut: cause === 'timedOut',
        keyShown: shown !== undefined,
      });
    } finally {
      clearTimeout(timer);
      dial.signal?.removeEventListener('abort', onAbort);
    }
    client.setNoDelay(true);
    return new SshConnection(client, fingerprint(shown ?? Buffer.alloc(0)));
  }

  /** Opens a channel that runs `command` through the login shell. */
  exec(command: string, milliseconds: number, signal?: AbortSignal): Promise<ByteChannel> {
    return this.#open(
      milliseconds,
      signal,
      (done) => {
        this.client.exec(command, done);
      },
      (channel) => this.#process(channel),
    );
  }

  #process(channel: ClientChannel): ByteChannel {
    const ended = new Promise<Ending>((resolve) => {
      let ending: Ending | undefined;
      channel.on('exit', (code: number | null, signal?: string) => {
        const told: Ending =
          code === null ? { how: 'signal', signal: signal ?? 'KILL' } : { how: 'exit', code };
        ending = told;
        setTimeout(() => resolve(told), LINGER_MILLISECONDS).unref();
      });
      channel.on('error', () => {});
      channel.on('close', () => {
        resolve(ending ?? { how: 'lost', reason: this.#lost ?? 'the connection was lost' });
      });
    });
    return {
      stdout: channel,
      stderr: channel.stderr,
      stdin: channel,
      write: (bytes) => void channel.write(bytes),
      end: () => void channel.end(),
      close: () => channel.close(),
      kill: () => this.destroy(),
      ended,
    };
  }

  /** A stream to `address:port` as seen from this host. */
  forward(
    address: string,
    port: number,
    milliseconds: number,
    signal?: AbortSignal,
  ): Promise<ClientChannel> {
    return this.#open(
      milliseconds,
      signal,
      (done) => {
        this.client.forwardOut('127.0.0.1', 0, address, port, done);
      },
      (channel) => channel,
    );
  }

  /** Ends politely, and by force where the peer does not answer. */
  async end(): Promise<void> {
    if (!this.alive) return;
    this.client.end();
    const timer = setTimeout(() => this.destroy(), END_MILLISECONDS);
    await this.closed;
    clearTimeout(timer);
  }

  destroy(): void {
    this.client.destroy();
  }

  /**
   * On a half-open link the callback of ssh2 never comes: hence the timer, set before the call. What
   * a process says at once (that it has ended, say) comes with the same packet as the channel, and so
   * `wrap` must listen before anything else happens.
   */
  #open<T>(
    milliseconds: number,
    signal: AbortSignal | undefined,
    start: (done: (error: Error | undefined, channel: ClientChannel) => void) => void,
    wrap: (channel: ClientChannel) => T,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const fail = (error: Error): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        reject(error);
      };
      const onAbort = (): void => {
        fail(new ChannelError('aborted', 'aborted'));
        this.destroy();
      };
      const timer = setTimeout(() => {
        fail(new ChannelError('timedOut', `no answer within ${milliseconds} ms`));
        this.destroy();
      }, milliseconds);
      if (signal?.aborted === true) {
        onAbort();
        return;
      }
      signal?.addEventListener('abort', onAbort);
      void this.closed.finally(() => fail(new ChannelError('lost', this.lost)));
      try {
        start((error, channel) => {
          if (error !== undefined) {
            const lost = /no response from server|not connected/i.test(error.message);
            fail(new ChannelError(lost ? 'lost' : 'refused', error.message));
            return;
          }
          clearTimeout(timer);
          signal?.removeEventListener('abort', onAbort);
          resolve(wrap(channel));
        });
      } catch (error) {
        fail(new ChannelError('lost', error instanceof Error ? error.message : String(error)));
      }
    });
  }
}
