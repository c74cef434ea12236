import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { ChannelError } from './channel-error.ts';
import { HandshakeGate } from './handshake-gate.ts';
import { abortedError, hostError, messageOf } from './host-error.ts';
import { KeyRing } from './key-ring.ts';
import { HostKeyCheck } from './host-key-check.ts';
import { KnownHostsFiles } from './known-hosts-file.ts';
import { resolveRoute, type Route } from './route.ts';
import type { SecretBook } from './secret-book.ts';
import type { SshEndpoint } from './shell.ts';
import { planAuth } from './ssh-auth.ts';
import { SshConfigReader } from './ssh-config.ts';
import { type Dial, SshConnection } from './ssh-connection.ts';
import { authRefused, BusyError } from './ssh-failure.ts';

/** A longer chain is taken for a loop. */
const LONGEST_CHAIN = 8;
const FIRST_PAUSE_MILLISECONDS = 100;
const LONGEST_PAUSE_MILLISECONDS = 2000;

export interface SshDialerOptions {
  readonly secrets: SecretBook;
  readonly handshakesPerEndpoint: number;
  /** Milliseconds. */
  readonly keepalive: number;
  readonly onHandshake: (host: string) => void;
}

interface Jump {
  readonly depth: number;
  readonly connection: Promise<SshConnection>;
}

/** Makes connections, through jump hosts where the route says so; those are shared. */
export class SshDialer {
  readonly #files = new KnownHostsFiles();
  readonly #config = new SshConfigReader();
  readonly #keys = new KeyRing();
  readonly #gate: HandshakeGate;
  readonly #options: SshDialerOptions;
  readonly #jumps = new Map<string, Jump>();
  readonly #closing = new AbortController();

  constructor(options: SshDialerOptions) {
    this.#options = options;
    this.#gate = new HandshakeGate(options.handshakesPerEndpoint);
  }

  /** Where an endpoint leads once ssh_config has been read. */
  route(endpoint: SshEndpoint): Promise<Route> {
    return resolveRoute(endpoint, this.#config);
  }

  async dial(route: Route, signal?: AbortSignal): Promise<SshConnection> {
    return this.#dialThrough(route, await this.#chain(route), signal);
  }

  /** Ends the shared jump hosts, the innermost first. */
  async close(): Promise<void> {
    this.#closing.abort();
    const deepestFirst = [...this.#jumps.values()].toSorted((a, b) => b.depth - a.depth);
    for (const { connection } of deepestFirst) {
      const made = await connection.catch(() => undefined);
      await made?.end();
    }
  }

  async #dialThrough(
    route: Route,
    jumps: readonly SshEndpoint[],
    signal: AbortSignal | undefined,
  ): Promise<SshConnection> {
    const { endpoint, address, port, user } = route;
    const host = endpoint.name;
    const auth = (): ReturnType<typeof planAuth> =>
      planAuth(
        {
          user,
          identities: route.identities,
          optional: route.identitiesOptional,
          agent: route.agent,
          agentWanted: endpoint.agent,
          passphrase: this.#reveal(endpoint.passphrase),
          password: this.#reveal(endpoint.password),
        },
        this.#keys,
      );
    const common = {
      host,
      address,
      port,
      user,
      hostKey: new HostKeyCheck(
        { host, name: route.keyName, port: route.keyPort, policy: route.hostKeys },
        this.#files,
      ),
      timeout: endpoint.connectTimeout,
      keepalive: this.#options.keepalive,
      signal,
    };
    const attempt = async (): Promise<SshConnection> => {
      const plan = await auth();
      const dial: Dial = { ...common, sock: undefined, auth: plan };
      if (plan.empty) throw authRefused(dial);
      this.#options.onHandshake(host);
      if (jumps.length === 0) return SshConnection.dial(dial);
      const sock = await this.#through(route, jumps, signal);
      try {
        return await SshConnection.dial({ ...dial, sock });
      } catch (error) {
        sock.destroy();
        throw error;
      }
    };
    const chain = [...jumps, endpoint].map((hop) => `${hop.address}:${hop.port ?? ''}`).join(' ');
    const until = Date.now() + endpoint.connectTimeout;
    for (let pause = FIRST_PAUSE_MILLISECONDS; ; pause *= 2) {
      try {
        return await this.#gate.pass(chain, attempt);
      } catch (error) {
        const wait = Math.min(pause, LONGEST_PAUSE_MILLISECONDS) * (0.5 + Math.random());
        if (!(error instanceof BusyError) || Date.now() + wait > until) throw error;
        await sleep(wait, undefined, signal === undefined ? {} : { signal }).catch(() => {});
      }
    }
  }

  /** A stream to the route's address from the last of the jump hosts. */
  async #through(
    route: Route,
    jumps: readonly SshEndpoint[],
    signal: AbortSignal | undefined,
  ): Promise<Duplex> {
    const { endpoint, address, port } = route;
    const host = endpoint.name;
    for (let again = false; ; again = true) {
      const last = await this.#jump(jumps, signal, host);
      try {
        return await last.forward(address, port, endpoint.connectTimeout, signal);
      } catch (error) {
        const how = error instanceof ChannelError ? error.how : 'lost';
        if (how === 'aborted') throw abortedError(host);
        // a jump host that was lost since it was last used is connected anew, once
        if (how === 'lost' && !again) continue;
        const via = jumps.at(-1)?.name ?? '';
        throw hostError(host, {
          code: how === 'timedOut' ? 'connect-timeout' : 'unreachable',
          what: `${host} (${address}:${port}) cannot be reached through ${via}`,
          why: messageOf(error),
          fix: `check that ${via} reaches it, and that its sshd allows forwarding (AllowTcpForwarding)`,
        });
      }
    }
  }

  /** The connection to the last of `jumps`, shared by all that lie behind it. */
  async #jump(
    jumps: readonly SshEndpoint[],
    signal: AbortSignal | undefined,
    host: string,
  ): Promise<SshConnection> {
    const key = JSON.stringify(jumps);
    let jump = this.#jumps.get(key);
    if (jump === undefined) {
      jump = { depth: jumps.length, connection: this.#dialJump(jumps) };
      this.#jumps.set(key, jump);
      const made = jump;
      const forget = (): void => {
        if (this.#jumps.get(key) === made) this.#jumps.delete(key);
      };
      jump.connection.then((connection) => connection.closed.then(forget), forget);
    }
    // one who gives up does not take the jump host from the others
    return unlessAborted(jump.connection, signal, host);
  }

  async #dialJump(jumps: readonly SshEndpoint[]): Promise<SshConnection> {
    const hop = jumps.at(-1);
    if (hop === undefined) throw new Error('no jump host');
    const route = await this.route(hop);
    return this.#dialThrough(route, jumps.slice(0, -1), this.#closing.signal);
  }

  /** All jump hosts, with those that ssh_config puts before the first one. */
  async #chain(route: Route): Promise<readonly SshEndpoint[]> {
    const jumps = [...route.jumps];
    for (;;) {
      const [first] = jumps;
      if (first === undefined) return jumps;
      const before = first.jumps.length > 0 ? first.jumps : (await this.route(first)).jumps;
      if (before.length === 0) return jumps;
      jumps.unshift(...before);
      if (jumps.length > LONGEST_CHAIN) {
        const host = route.endpoint.name;
        throw hostError(host, {
          code: 'jump-loop',
          what: `${host} lies behind more than ${LONGEST_CHAIN} jump hosts`,
          why: jumps.map((jump) => jump.name).join(' → '),
          fix: 'look for a jump host that is reached through itself',
        });
      }
    }
  }

  #reveal(text: string | undefined): string | undefined {
    return text === undefined ? undefined : this.#options.secrets.reveal(text);
  }
}

function unlessAborted<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
  host: string,
): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(abortedError(host));
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort);
    promise
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', onAbort))
      .catch(() => {});
  });
}
