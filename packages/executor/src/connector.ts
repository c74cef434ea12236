import { userInfo } from 'node:os';
import { HandshakeGate } from './handshake-gate.ts';
import { HostKeyCheck } from './host-key-check.ts';
import { KnownHostsFiles } from './known-hosts-file.ts';
import { LocalSession } from './local-session.ts';
import type { SecretBook } from './secret-book.ts';
import type { Connector, Endpoint, Session, SshEndpoint } from './shell.ts';
import { planAuth } from './ssh-auth.ts';
import { SshConnection } from './ssh-connection.ts';
import { SshSession } from './ssh-session.ts';

export interface ConnectorOptions {
  readonly secrets: SecretBook;
  /** Told each script as it is sent to a host, with tokens in place of secrets. */
  readonly onSend?: (host: string, script: string) => void;
  /** Handshakes under way with one endpoint at the same time. */
  readonly handshakesPerEndpoint?: number;
}

/** Makes sessions to hosts, over SSH or local. */
export function createConnector(options: ConnectorOptions): Connector {
  const files = new KnownHostsFiles();
  const gate = new HandshakeGate(options.handshakesPerEndpoint ?? 8);

  async function dial(endpoint: SshEndpoint, signal: AbortSignal | undefined) {
    const port = endpoint.port ?? 22;
    const user = endpoint.user ?? userInfo().username;
    const hostKey = new HostKeyCheck(
      { host: endpoint.name, name: endpoint.address, port, policy: endpoint.hostKeys },
      files,
    );
    const auth = await planAuth({
      user,
      identities: endpoint.identities,
      optional: false,
      agent: endpoint.agent ? process.env['SSH_AUTH_SOCK'] : undefined,
      agentWanted: endpoint.agent,
      passphrase: endpoint.passphrase,
      password: endpoint.password,
    });
    return gate.pass(`${endpoint.address}:${port}`, () =>
      SshConnection.dial({
        host: endpoint.name,
        address: endpoint.address,
        port,
        user,
        sock: undefined,
        auth,
        hostKey,
        timeout: endpoint.connectTimeout,
        signal,
      }),
    );
  }

  async function connect(
    endpoint: Endpoint,
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<Session> {
    if (endpoint.transport === 'local') {
      return new LocalSession({
        host: endpoint.name,
        user: userInfo().username,
        sudo: endpoint.sudo,
        secrets: options.secrets,
        onSend: (script) => options.onSend?.(endpoint.name, script),
      });
    }
    const first = await dial(endpoint, signal);
    return new SshSession(first, {
      host: endpoint.name,
      user: endpoint.user ?? userInfo().username,
      sudo: endpoint.sudo,
      timeout: endpoint.connectTimeout,
      secrets: options.secrets,
      onSend: (script) => options.onSend?.(endpoint.name, script),
      dial: (signal) => dial(endpoint, signal),
    });
  }

  return { connect, close: async () => {} };
}
