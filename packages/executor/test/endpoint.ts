import type { SshEndpoint } from '../src/index.ts';
import type { Sshd } from './sshd.ts';

/** root at 127.0.0.1 on this sshd, whose key is known; `settings` win. */
export function endpointOf(sshd: Sshd, settings: Partial<SshEndpoint> = {}): SshEndpoint {
  return {
    transport: 'ssh',
    name: 'node-1',
    address: '127.0.0.1',
    port: sshd.port,
    user: 'root',
    identities: [sshd.clientKey],
    agent: false,
    jumps: [],
    hostKeys: { policy: 'strict', knownHosts: [sshd.knownHosts] },
    sudo: {},
    connectTimeout: 10_000,
    sshConfig: null,
    ...settings,
  };
}
