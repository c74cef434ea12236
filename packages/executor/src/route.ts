import { homedir, userInfo } from 'node:os';
import path from 'node:path';
import { hostError } from './host-error.ts';
import type { HostKeyPolicy, SshEndpoint } from './shell.ts';
import { expandHome, type SshConfigReader } from './ssh-config.ts';

/** Where and how one connection is made, with ssh_config taken into account. */
export interface Route {
  readonly endpoint: SshEndpoint;
  readonly address: string;
  readonly port: number;
  readonly user: string;
  readonly identities: readonly string[];
  /** Whether the identities are only the usual ones, which may be absent. */
  readonly identitiesOptional: boolean;
  /** Socket of the agent. */
  readonly agent: string | undefined;
  /** The name under which host keys are kept. */
  readonly keyName: string;
  readonly keyPort: number;
  readonly hostKeys: HostKeyPolicy;
  /** First hop first. */
  readonly jumps: readonly SshEndpoint[];
}

const USUAL_KEYS = ['id_ed25519', 'id_ecdsa', 'id_rsa'];
const USUAL_KNOWN_HOSTS = [
  '~/.ssh/known_hosts',
  '~/.ssh/known_hosts2',
  '/etc/ssh/ssh_known_hosts',
  '/etc/ssh/ssh_known_hosts2',
];

/** What the endpoint says wins; ssh_config fills in what it leaves open; then come the defaults. */
export async function resolveRoute(endpoint: SshEndpoint, reader: SshConfigReader): Promise<Route> {
  const config = await reader.read({
    host: endpoint.name,
    address: endpoint.address,
    user: endpoint.user,
    port: endpoint.port,
    file: endpoint.sshConfig,
  });
  if (config.proxyCommand !== undefined && endpoint.jumps.length === 0) {
    throw hostError(endpoint.name, {
      code: 'ssh-config-unsupported',
      what: `the ssh configuration reaches ${endpoint.name} by ProxyCommand, which is not supported`,
      why: config.proxyCommand,
      fix: 'use ProxyJump there, or `jump` in the inventory',
    });
  }
  const port = endpoint.port ?? config.port ?? 22;
  const address = config.hostname ?? endpoint.address;
  const named = endpoint.identities.length > 0;
  const usual = config.identities ?? USUAL_KEYS.map((name) => path.join(homedir(), '.ssh', name));
  return {
    endpoint,
    address,
    port,
    user: endpoint.user ?? config.user ?? userInfo().username,
    identities: named ? endpoint.identities.map(expandHome) : usual,
    identitiesOptional: !named,
    agent: endpoint.agent ? agentSocket(config.identityAgent) : undefined,
    keyName: config.hostKeyAlias ?? address,
    keyPort: config.hostKeyAlias === undefined ? port : 22,
    hostKeys: knownHostsOf(endpoint.hostKeys, config.knownHosts),
    jumps: endpoint.jumps.length > 0 ? endpoint.jumps : jumpsOf(endpoint, config.proxyJump ?? []),
  };
}

function agentSocket(configured: string | undefined): string | undefined {
  if (configured === undefined || configured === 'SSH_AUTH_SOCK') {
    const socket = process.env['SSH_AUTH_SOCK'];
    return socket === '' ? undefined : socket;
  }
  return configured.startsWith('$') ? process.env[configured.slice(1)] : configured;
}

function knownHostsOf(
  policy: HostKeyPolicy,
  configured: readonly string[] | undefined,
): HostKeyPolicy {
  if (policy.policy === 'pinned') return policy;
  const files =
    policy.knownHosts.length > 0 ? policy.knownHosts : (configured ?? USUAL_KNOWN_HOSTS);
  return { policy: policy.policy, knownHosts: files.map(expandHome) };
}

/** `[user@]host[:port]`, `[user@][v6]:port` or `ssh://…`, as ProxyJump has it. */
function jumpsOf(endpoint: SshEndpoint, hops: readonly string[]): SshEndpoint[] {
  return hops.map((hop) => {
    const match = /^(?:ssh:\/\/)?(?:([^@]+)@)?(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?\/?$/.exec(hop);
    const address = match?.[2] ?? match?.[3] ?? hop;
    const { agent, passphrase, connectTimeout, sshConfig, hostKeys } = endpoint;
    return {
      transport: 'ssh',
      agent,
      connectTimeout,
      sudo: {},
      // keys pinned for the host behind it, and its password, are not the jump host's
      hostKeys: hostKeys.policy === 'pinned' ? { policy: 'strict', knownHosts: [] } : hostKeys,
      ...(passphrase === undefined ? {} : { passphrase }),
      ...(sshConfig === undefined ? {} : { sshConfig }),
      name: hop,
      address,
      identities: [],
      jumps: [],
      ...(match?.[1] === undefined ? {} : { user: match[1] }),
      ...(match?.[4] === undefined ? {} : { port: Number(match[4]) }),
    };
  });
}
