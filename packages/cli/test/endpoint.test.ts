import { parseInventory } from '@skerry/inventory';
import { describe, expect, it } from 'vitest';
import { endpointOf, type EndpointContext } from '../src/endpoint.ts';

const context: EndpointContext = {
  secretOf: (token) => (token === '⟦secret:env:PW⟧' ? 'value-of-pw' : undefined),
  folder: '/clusters',
  home: '/home/ops',
};

function hostWith(connection: string, address = '192.0.2.1') {
  const text = `cluster: { name: c }\ngroups:\n  g:\n    hosts:\n      a:\n        address: ${address}\n        connection: ${connection}\n`;
  const inventory = parseInventory(text, '/clusters/c.yaml', { home: '/home/ops' });
  const [host] = inventory.hosts;
  if (host === undefined) throw new Error('no host');
  return host;
}

describe('how a host is reached', () => {
  it('has defaults that check host keys', () => {
    expect(endpointOf(hostWith('{}'), context)).toEqual({
      transport: 'ssh',
      name: 'a',
      address: '192.0.2.1',
      identities: [],
      agent: false,
      connectTimeout: 15_000,
      jumps: [],
      hostKeys: {
        policy: 'strict',
        knownHosts: ['/home/ops/.ssh/known_hosts', '/etc/ssh/ssh_known_hosts'],
      },
      sudo: {},
    });
  });

  it('has what the inventory says, with secrets in clear and paths absolute', () => {
    const host = hostWith(
      '{ user: ops, port: 2222, key: [~/.ssh/a, keys/b], passphrase: "env:PW", password: "env:PW", timeout: 0.5, sshConfig: false, hostKeys: accept-new, knownHosts: [~/k], sudo: { password: "env:PW" } }',
    );
    expect(endpointOf(host, { ...context, agentSocket: '/run/agent' })).toMatchObject({
      user: 'ops',
      port: 2222,
      identities: ['/home/ops/.ssh/a', '/clusters/keys/b'],
      passphrase: 'value-of-pw',
      password: 'value-of-pw',
      agent: true,
      connectTimeout: 500,
      sshConfig: null,
      hostKeys: { policy: 'accept-new', knownHosts: ['/home/ops/k'] },
      sudo: { password: 'value-of-pw' },
    });
  });

  it('uses no agent when told so, or when there is none', () => {
    const socket = { ...context, agentSocket: '/run/agent' };
    expect(endpointOf(hostWith('{ agent: false }'), socket)).toMatchObject({ agent: false });
    expect(endpointOf(hostWith('{ agent: true }'), context)).toMatchObject({ agent: false });
  });

  it('gives the typed sudo password, unless the inventory names one', () => {
    const typed = { ...context, sudoPassword: 'typed-one' };
    expect(endpointOf(hostWith('{}'), typed).sudo).toEqual({ password: 'typed-one' });
    expect(endpointOf(hostWith('{ sudo: { password: ask } }'), typed).sudo).toEqual({
      password: 'typed-one',
    });
    expect(endpointOf(hostWith('{ sudo: { password: "env:PW" } }'), typed).sudo).toEqual({
      password: 'value-of-pw',
    });
  });

  it('uses no sudo where the inventory says false, also with a typed password', () => {
    const typed = { ...context, sudoPassword: 'typed-one' };
    expect(endpointOf(hostWith('{ sudo: false }'), typed).sudo).toEqual({ enabled: false });
    expect(endpointOf(hostWith('{ sudo: true }'), context).sudo).toEqual({});
  });

  it('goes through jump hosts in order, each verified by known_hosts and never given the password', () => {
    const host = hostWith(
      '{ jump: ["ops@b1.example.org:2222", "[2001:db8::1]:23", b3], key: ~/.ssh/a, password: "env:PW", hostKeys: { pinned: ["SHA256:OuXf4SM2Q2FPFVbHR5nB8tJHYdHmxmmZ9oYCPDA2zIE"] } }',
    );
    const endpoint = endpointOf(host, context);
    if (endpoint.transport !== 'ssh') throw new Error('not ssh');
    expect(endpoint.hostKeys).toMatchObject({ policy: 'pinned' });
    expect(
      endpoint.jumps.map(({ address, port, user, password, hostKeys, identities, jumps }) => ({
        address,
        port,
        user,
        password,
        policy: hostKeys.policy,
        identities,
        jumps,
      })),
    ).toEqual(
      [
        { address: 'b1.example.org', port: 2222, user: 'ops' },
        { address: '2001:db8::1', port: 23, user: undefined },
        { address: 'b3', port: undefined, user: undefined },
      ].map((hop) => ({
        ...hop,
        password: undefined,
        policy: 'strict',
        identities: ['/home/ops/.ssh/a'],
        jumps: [],
      })),
    );
  });

  it('reaches machines of the lab with the key and the known hosts of the lab', () => {
    const lab = { ...context, agentSocket: '/run/agent', lab: '/clusters/.skerry/lab' };
    expect(endpointOf(hostWith('{}'), lab)).toMatchObject({
      user: 'vagrant',
      identities: ['/clusters/.skerry/lab/id_ed25519'],
      agent: false,
      sshConfig: null,
      hostKeys: { policy: 'strict', knownHosts: ['/clusters/.skerry/lab/known_hosts'] },
    });
  });

  it('is this machine where the inventory says local', () => {
    expect(endpointOf(hostWith('{ transport: local }', 'localhost'), context)).toEqual({
      transport: 'local',
      name: 'a',
      sudo: {},
    });
  });
});
