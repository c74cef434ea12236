import { userInfo } from 'node:os';
import type { SecretBook } from './secret-book.ts';
import type { Connector, Endpoint, Session } from './shell.ts';
import type { SshDialer } from './ssh-dialer.ts';

export interface ConnectorOptions {
  /** Passwords and passphrases of endpoints may be tokens of this book. */
  readonly secrets: SecretBook;
  /** Told each script as it is sent to a host, with tokens in place of secrets. */
  readonly onSend?: (host: string, script: string) => void;
  /** Told each time that a connection to a host is begun; more often than hosts where one is busy. */
  readonly onHandshake?: (host: string) => void;
  /** Handshakes under way with one endpoint at the same time; 8 by default (`MaxStartups` is 10). */
  readonly handshakesPerEndpoint?: number;
  /** Milliseconds between signs of life of an idle connection; after three that go unanswered it is lost. */
  readonly keepalive?: number;
}

/** Makes sessions to hosts, over SSH or local. Close it after its sessions. */
export function createConnector(options: ConnectorOptions): Connector {
  const { secrets } = options;
  let dialing: Promise<SshDialer> | undefined;

  /** ssh2 comes with it, which what is done offline does not need. */
  async function createDialer(): Promise<SshDialer> {
    const { SshDialer } = await import('./ssh-dialer.ts');
    return new SshDialer({
      secrets,
      handshakesPerEndpoint: options.handshakesPerEndpoint ?? 8,
      keepalive: options.keepalive ?? 5000,
      onHandshake: (host) => options.onHandshake?.(host),
    });
  }

  async function connect(
    endpoint: Endpoint,
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<Session> {
    const onSend = (script: string): void => options.onSend?.(endpoint.name, script);
    const common = { host: endpoint.name, sudo: endpoint.sudo, secrets, onSend };
    if (endpoint.transport === 'local') {
      // zx comes with it, which only local hosts need
      const { LocalSession } = await import('./local-session.ts');
      return new LocalSession({ ...common, user: userInfo().username });
    }
    const dialer = await (dialing ??= createDialer());
    const { SshSession } = await import('./ssh-session.ts');
    const route = await dialer.route(endpoint);
    return new SshSession(await dialer.dial(route, signal), {
      ...common,
      user: route.user,
      timeout: endpoint.connectTimeout,
      dial: (signal) => dialer.dial(route, signal),
    });
  }

  return { connect, close: async () => (await dialing)?.close() };
}
