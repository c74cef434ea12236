import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Endpoint, HostKeyPolicy, SshEndpoint, SudoSettings } from '@skerry/executor';
import { parseJump, type ConnectionSettings, type Host } from '@skerry/inventory';
import { DiagnosticError } from '@skerry/diagnostics';

export interface EndpointContext {
  /** The value behind a token such as `⟦secret:env:NAME⟧`; undefined where it was not resolved. */
  readonly secretOf: (token: string) => string | undefined;
  /** What the operator typed for `--ask-sudo-password` or `sudo: {password: ask}`. */
  readonly sudoPassword?: string | undefined;
  /** Folder that relative key and known_hosts paths start from: that of the inventory. */
  readonly folder: string;
  readonly home?: string;
  /** SSH_AUTH_SOCK; undefined = no agent. */
  readonly agentSocket?: string | undefined;
  /** Folder of the lab that made the hosts: its key and known_hosts count where nothing else is said. */
  readonly lab?: string;
}

/** How the executor reaches a host, with nothing left open: paths absolute, secrets in clear. */
export function endpointOf(host: Host, context: EndpointContext): Endpoint {
  const { connection } = host;
  const sudo = sudoOf(connection, context);
  if (connection.transport === 'local') return { transport: 'local', name: host.name, sudo };
  const shared = sharedSettings(connection, context);
  const jumps: SshEndpoint[] = [];
  for (const text of connection.jump) {
    const jump = jumpOf(text, host);
    jumps.push({
      ...shared,
      ...jump,
      transport: 'ssh',
      name: text,
      jumps: [],
      // A pinned key is the host's own: its jump hosts are looked up in known_hosts.
      hostKeys: knownHostsPolicy(connection, context, 'strict'),
      sudo: {},
    });
  }
  return {
    ...shared,
    transport: 'ssh',
    name: host.name,
    address: host.address,
    ...(connection.port === undefined ? {} : { port: connection.port }),
    ...optional('user', connection.user ?? (context.lab === undefined ? undefined : 'vagrant')),
    ...(connection.password === undefined
      ? {}
      : optional('password', context.secretOf(connection.password))),
    jumps,
    hostKeys: hostKeyPolicy(connection, context),
    sudo,
  };
}

type Shared = Pick<
  SshEndpoint,
  'identities' | 'agent' | 'passphrase' | 'connectTimeout' | 'sshConfig'
>;

function sharedSettings(connection: ConnectionSettings, context: EndpointContext): Shared {
  const { key, passphrase, timeout, sshConfig } = connection;
  const own = context.lab === undefined ? [] : [join(context.lab, 'id_ed25519')];
  const keys = key === undefined ? own : typeof key === 'string' ? [key] : key;
  const config = sshConfig ?? (context.lab === undefined ? undefined : false);
  return {
    identities: keys.map((path) => localPath(path, context)),
    agent: connection.agent && context.lab === undefined && (context.agentSocket ?? '') !== '',
    ...(passphrase === undefined ? {} : optional('passphrase', context.secretOf(passphrase))),
    connectTimeout: timeout * 1000,
    ...(config === undefined
      ? {}
      : { sshConfig: config === false ? null : localPath(config, context) }),
  };
}

function optional<Name extends string>(
  name: Name,
  value: string | undefined,
): Partial<Record<Name, string>> {
  return value === undefined ? {} : ({ [name]: value } as Partial<Record<Name, string>>);
}

function sudoOf({ sudo }: ConnectionSettings, context: EndpointContext): SudoSettings {
  if (sudo === false) return { enabled: false };
  const asked = optional('password', context.sudoPassword);
  if (typeof sudo === 'boolean' || sudo.password === 'ask') return asked;
  return { ...asked, ...optional('password', context.secretOf(sudo.password)) };
}

function hostKeyPolicy(connection: ConnectionSettings, context: EndpointContext): HostKeyPolicy {
  const { hostKeys } = connection;
  if (typeof hostKeys === 'object') return { policy: 'pinned', keys: hostKeys.pinned };
  return knownHostsPolicy(connection, context, hostKeys);
}

function knownHostsPolicy(
  { knownHosts, hostKeys }: ConnectionSettings,
  context: EndpointContext,
  otherwise: 'strict' | 'accept-new',
): HostKeyPolicy {
  const files =
    knownHosts ??
    (context.lab === undefined
      ? ['~/.ssh/known_hosts', '/etc/ssh/ssh_known_hosts']
      : [join(context.lab, 'known_hosts')]);
  return {
    policy: typeof hostKeys === 'string' ? hostKeys : otherwise,
    knownHosts: files.map((path) => localPath(path, context)),
  };
}

function localPath(path: string, context: EndpointContext): string {
  const home = context.home ?? homedir();
  if (path === '~') return home;
  if (path.startsWith('~/')) return resolve(home, path.slice(2));
  return resolve(context.folder, path);
}

/** `[user@]address[:port]` of a checked inventory; the check is made again for hosts made by hand. */
function jumpOf(text: string, host: Host): Pick<SshEndpoint, 'address' | 'port' | 'user'> {
  const jump = parseJump(text);
  if (jump === undefined) {
    throw new DiagnosticError({
      code: 'bad-jump',
      severity: 'error',
      what: `"${text}" is not a jump host`,
      at: { host: host.name },
      fix: 'write it as in ops@bastion.example.org:2222 or ops@[2001:db8::1]:22',
    });
  }
  const { address, port, user } = jump;
  return {
    address,
    ...(port === undefined ? {} : { port }),
    ...(user === undefined ? {} : { user }),
  };
}
