import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Machines } from '../machines.ts';
import { containersFolder, rootSystem } from './root-system.ts';
import { succeeded } from './succeeded.ts';

/** Containers that are machines to whom looks: systemd, sshd, a kubelet, each with a network of its own. */
export interface ContainerNodes extends Machines {
  /** Of each node, by its name; all in 10.99.0.0/24, where they reach each other and 10.99.0.1. */
  readonly addresses: Readonly<Record<string, string>>;
  /** Of this run: it goes with the nodes. */
  readonly folder: string;
  /** A private key with which root is let in. */
  readonly key: string;
  /** File for host keys; it does not exist at the beginning. */
  readonly knownHosts: string;
  /** Takes away nodes, their files and networks. */
  stop(): Promise<void>;
}

const boot = resolve(import.meta.dirname, 'boot.sh');

/** Why containers cannot be machines on this computer, or undefined where they can. */
export function noContainers(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root can make them';
  if (!readFileSync('/proc/self/cgroup', 'utf8').includes(':memory:')) {
    return 'they use control groups of version 1, which this computer has not';
  }
  const programs = ['haproxy', 'ip', 'mmdebstrap', 'unshare'];
  const folders = ['/usr/sbin', '/usr/bin', '/sbin'];
  if (!programs.every((one) => folders.some((folder) => existsSync(join(folder, one))))) {
    return 'they need the packages haproxy, iproute2, mmdebstrap and util-linux';
  }
  // What boot.sh does, in small.
  const alone = '--mount --uts --ipc --cgroup --pid --fork sh -c'.split(' ');
  const mount =
    'mount -t tmpfs tmpfs /mnt && mkdir /mnt/one && mount -t cgroup -o pids cgroup /mnt/one';
  const { status, stderr } = spawnSync('unshare', [...alone, mount], { encoding: 'utf8' });
  return status === 0 ? undefined : `this computer does not let them be: ${stderr}`;
}

/** Ends processes, one on a line: the first one of a machine takes all of its with it. */
function endAll(pids: string): void {
  for (const pid of pids.split('\n').filter(Boolean)) {
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
}

/** Takes away the machines, networks, control groups and files of a run. */
async function takeAway(run: string): Promise<void> {
  const prefix = `skerry-${run}-`;
  const all = '/sys/fs/cgroup';
  const tops = readdirSync(all).map((name) => join(all, name));
  const groups = tops.flatMap((top) =>
    existsSync(join(top, 'cgroup.procs'))
      ? readdirSync(top).flatMap((name) => (name.startsWith(prefix) ? [join(top, name)] : []))
      : [],
  );
  for (const group of groups) {
    const processes = join(group, 'cgroup.procs');
    if (existsSync(processes)) endAll(readFileSync(processes, 'utf8'));
    const remove = ['find', group, '-depth', '-type', 'd', '-delete'];
    for (const deadline = Date.now() + 10_000; existsSync(group) && Date.now() < deadline;) {
      await succeeded(remove).catch(() => sleep(200));
    }
  }
  const networks = (await succeeded(['ip', 'netns', 'list'])).split('\n');
  for (const network of networks.map((line) => line.split(' ')[0] ?? '')) {
    if (!network.startsWith(prefix)) continue;
    endAll(await succeeded(['ip', 'netns', 'pids', network]));
    await succeeded(['ip', 'netns', 'delete', network]);
  }
  rmSync(join(containersFolder, `run-${run}`), { recursive: true, force: true, maxRetries: 10 });
}

async function takeAwayForgotten(): Promise<void> {
  const runs = existsSync(containersFolder) ? readdirSync(containersFolder) : [];
  for (const run of runs.flatMap((name) => /^run-(\d+)$/.exec(name)?.[1] ?? [])) {
    if (!existsSync(`/proc/${run}`)) await takeAway(run);
  }
}

/** Boots nodes in a network of their own, and waits until each has booted and answers by SSH. */
export async function startContainerNodes(names: readonly string[]): Promise<ContainerNodes> {
  await takeAwayForgotten();
  const system = await rootSystem();
  const run = String(process.pid);
  const folder = join(containersFolder, `run-${run}`);
  mkdirSync(folder, { mode: 0o700 });
  const [key, knownHosts] = [join(folder, 'key'), join(folder, 'known_hosts')];
  const nodes = new Map<string, ChildProcess>();
  const addresses = Object.fromEntries(names.map((name, index) => [name, `10.99.0.${11 + index}`]));
  const network = (name: string): string => `skerry-${run}-${name}`;
  const outside = network('outside');
  const enter = ['ip', 'netns', 'exec', outside];
  const ssh = (name: string): string[] => {
    const unasked =
      '-F none -o BatchMode=yes -o LogLevel=ERROR -o StrictHostKeyChecking=no -o ConnectTimeout=5';
    const options = [...unasked.split(' '), '-o', 'UserKnownHostsFile=/dev/null', '-i', key];
    return [...enter, 'ssh', ...options, `root@${addresses[name] ?? name}`];
  };

  const wire = async (name: string): Promise<void> => {
    const ip = (...words: string[]): Promise<string> => succeeded(['ip', ...words]);
    await ip('netns', 'add', network(name));
    await ip('-n', network(name), 'link', 'set', 'lo', 'up');
    const [bridged, own] = [`to-${name}`, network(name)];
    await ip('-n', outside, 'link', 'add', bridged, 'type', 'veth', 'peer', 'eth0', 'netns', own);
    await ip('-n', outside, 'link', 'set', bridged, 'up', 'master', 'bridge');
    await ip('-n', own, 'link', 'set', 'eth0', 'up');
    await ip('-n', own, 'address', 'add', `${addresses[name] ?? ''}/24`, 'dev', 'eth0');
    await ip('-n', own, 'route', 'add', 'default', 'via', '10.99.0.1');
  };

  const start = async (name: string): Promise<void> => {
    const root = join(folder, name);
    await succeeded(['cp', '-a', system, root]);
    // Nobody answers there, and says so at once.
    rmSync(join(root, 'etc/resolv.conf'), { force: true });
    writeFileSync(join(root, 'etc/resolv.conf'), 'nameserver 10.99.0.1\n');
    writeFileSync(join(root, 'etc/hostname'), `${name}\n`);
    writeFileSync(
      join(root, 'etc/hosts'),
      `127.0.0.1 localhost\n::1 localhost\n127.0.1.1 ${name}\n`,
    );
    writeFileSync(join(root, 'root/.ssh/authorized_keys'), readFileSync(`${key}.pub`));
    await wire(name);
    const words = [boot, root, network(name), network(name)];
    const log = join(folder, `${name}.log`);
    const told = openSync(log, 'w');
    nodes.set(name, spawn('sh', words, { stdio: ['ignore', told, told] }));
    closeSync(told);
    // It waits until all that is started at boot has been; a unit that failed is nobody's business here.
    const booted = [...ssh(name), 'timeout 60 systemctl is-system-running --wait || :'];
    for (const deadline = Date.now() + 60_000; ;) {
      const answer = (await succeeded(booted).catch(String)).trim();
      if (answer === 'running' || answer === 'degraded') return;
      if (Date.now() > deadline) {
        throw new Error(`${name} does not answer: ${answer}\n${readFileSync(log, 'utf8')}`);
      }
      await sleep(500);
    }
  };

  const cutPower = async (name: string): Promise<void> => {
    // A kernel that goes on would close its connections and refuse new ones: whoever has no power is silent.
    await succeeded(['ip', '-n', outside, 'link', 'set', `to-${name}`, 'down']);
    await kill(name);
  };

  const kill = (name: string): Promise<void> =>
    new Promise((gone) => {
      const node = nodes.get(name);
      if (node === undefined || node.exitCode !== null || node.signalCode !== null) gone();
      node?.once('close', () => gone());
      node?.kill('SIGKILL');
    });

  const stop = async (): Promise<void> => {
    await Promise.all(names.map(kill));
    await takeAway(run);
  };

  try {
    await succeeded(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', key]);
    await succeeded(['ip', 'netns', 'add', outside]);
    const within = ['ip', '-n', outside];
    await succeeded([...within, 'link', 'set', 'lo', 'up']);
    await succeeded([...within, 'link', 'add', 'bridge', 'type', 'bridge']);
    await succeeded([...within, 'link', 'set', 'bridge', 'up']);
    await succeeded([...within, 'address', 'add', '10.99.0.1/24', 'dev', 'bridge']);
    const started = await Promise.allSettled(names.map(start));
    const failed = started.find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    addresses,
    folder,
    key,
    knownHosts,
    enter: () => Promise.resolve(enter),
    sshCommand: (name) => Promise.resolve(ssh(name)),
    cutPower,
    user: enter,
    stop,
  };
}
