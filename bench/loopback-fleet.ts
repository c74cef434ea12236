import { spawn, type ChildProcess } from 'node:child_process';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface LoopbackFleet {
  /** Path of an inventory with all hosts. */
  readonly inventory: string;
  /** `ssh HOST true` on all hosts at once, as a shell command. */
  readonly xargs: string;
  stop(): Promise<void>;
}

/**
 * One sshd on loopback as many hosts: 127.0.2.1 … Two ports: on the first, which ours uses, a session
 * enters a mount namespace in which the host has folders of its own (a cost that only ours bears); on
 * the second, which the OpenSSH client uses, nothing is added.
 */
export async function loopbackFleet(hosts: number): Promise<LoopbackFleet> {
  const folder = mkdtempSync('/tmp/skerry-bench-');
  chmodSync(folder, 0o755);
  for (const path of ['/run/sshd', '/run/skerry', '/var/lib/skerry'])
    mkdirSync(path, { recursive: true });
  const at = (name: string): string => join(folder, name);
  for (const key of ['host_key', 'client_key']) {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', at(key)]);
  }
  writeFileSync(
    at('enter'),
    `#!/bin/sh
set -- $SSH_CONNECTION
root=${folder}/hosts/$3
mkdir -p "$root/run" "$root/lib" "$root/srv"
exec unshare -m sh -c '
  mount --bind "$1/run" /run/skerry && mount --bind "$1/lib" /var/lib/skerry &&
  mount --bind "$1/srv" /srv && exec sh -c "$2"' sh "$root" "$SSH_ORIGINAL_COMMAND"
`,
    { mode: 0o755 },
  );
  const [ours, theirs] = [await freePort(), await freePort()];
  const daemons = [
    startSshd(folder, ours, [`ForceCommand ${at('enter')}`]),
    startSshd(folder, theirs, []),
  ];
  const addresses = Array.from({ length: hosts }, (_, index) => `127.0.2.${index + 1}`);
  const key = readFileSync(at('host_key.pub'), 'utf8').split(' ').slice(0, 2).join(' ');
  writeFileSync(
    at('known_hosts'),
    addresses
      .flatMap((address) => [ours, theirs].map((port) => `[${address}]:${port} ${key}\n`))
      .join(''),
  );
  writeFileSync(
    at('fleet.yaml'),
    `cluster:
  name: bench
  connection:
    user: root
    port: ${ours}
    key: ${at('client_key')}
    agent: false
    sshConfig: false
    knownHosts: [${at('known_hosts')}]
groups:
  everything:
    hosts:
      bench-[01:${hosts}]: { address: '127.0.2.[1:${hosts}]' }
`,
  );
  await Promise.all([ours, theirs].map(listening));
  const options = `-F none -o BatchMode=yes -o IdentitiesOnly=yes -o UserKnownHostsFile=${at('known_hosts')}`;
  return {
    inventory: at('fleet.yaml'),
    xargs: `printf '%s\\n' ${addresses.join(' ')} | xargs -P${hosts} -I{} ssh ${options} -i ${at('client_key')} -p ${theirs} root@{} true`,
    stop: async () => {
      await Promise.all(daemons.map(end));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function startSshd(folder: string, port: number, lines: readonly string[]): ChildProcess {
  const config = join(folder, `sshd_config_${port}`);
  const settings = [
    ...lines,
    `Port ${port}`,
    'ListenAddress 0.0.0.0',
    `HostKey ${folder}/host_key`,
    `AuthorizedKeysFile ${folder}/client_key.pub`,
    'PidFile none',
    'StrictModes no',
    'UsePAM no',
    'UseDNS no',
    'PermitRootLogin yes',
    'MaxStartups 500',
    '',
  ];
  writeFileSync(config, settings.join('\n'));
  return spawn('/usr/sbin/sshd', ['-D', '-f', config], { stdio: 'ignore' });
}

async function end(daemon: ChildProcess): Promise<void> {
  const exited = new Promise((resolve) => daemon.once('exit', resolve));
  daemon.kill('SIGTERM');
  await exited;
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

async function listening(port: number): Promise<void> {
  for (let attempt = 0; attempt < 500; attempt += 1) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (open) return;
    await sleep(20);
  }
  throw new Error(`sshd does not listen on port ${port}`);
}
