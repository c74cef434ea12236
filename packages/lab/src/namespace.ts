import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { command, succeeds } from './command.ts';
import { labName } from './settings.ts';
import { labElsewhere } from './storage.ts';
import { daemonProcess, stopDaemon, waitForLibvirt, type OwnDaemon } from './system.ts';

/**
 * Where nothing runs systemd, the lab brings its own libvirtd, in a network namespace: the bridge,
 * the machines and whoever talks to them are in there, and nothing of it is seen outside. A veth
 * pair with masquerade leads out, for package downloads.
 */
const runFolder = `/run/${labName}`;

/** Words to put in front of a command so that it runs inside the lab's network. */
export const enterNamespace: readonly string[] = ['ip', 'netns', 'exec', labName];

const outside = { device: 'skerry-out', address: '100.64.121.1/30' };
const inside = { device: 'skerry-in', address: '100.64.121.2/30' };
const table = 'skerry_lab';

const virtlogd: OwnDaemon = { program: 'virtlogd', pidFile: join(runFolder, 'virtlogd.pid') };
const libvirtd: OwnDaemon = { program: 'libvirtd', pidFile: join(runFolder, 'libvirtd.pid') };

/** Bound over /etc/libvirt/qemu.conf, for the lab's libvirtd only. */
const qemuConf = `# The lab's own libvirtd: its machines run as root, in the lab's namespace.
user = "root"
group = "root"
security_driver = "none"
`;

/** The largest packet of the way out; 1500 where that is unknown. */
async function wayOutMtu(): Promise<number> {
  const route = await command(['ip', '-o', 'route', 'show', 'default'], { accept: 'any' });
  const device = / dev (\S+)/.exec(route.stdout)?.[1];
  if (device === undefined) return 1500;
  const text = await readFile(`/sys/class/net/${device}/mtu`, 'utf8').catch(() => '1500');
  return Math.min(1500, Number.parseInt(text, 10));
}

export interface Namespace {
  /** Bytes. */
  readonly mtu: number;
}

/** Who made the namespace that is here; undefined where there is none, or its lab's folder is gone. */
export async function namespaceOwner(): Promise<string | undefined> {
  const owner = await readFile(join(runFolder, 'owner'), 'utf8').catch(() => undefined);
  return owner !== undefined && existsSync(owner) ? owner : undefined;
}

async function namespaceExists(): Promise<boolean> {
  return await stat(`/run/netns/${labName}`).then(
    () => true,
    () => false,
  );
}

/** Makes what is missing of the namespace and its daemons. */
export async function ensureNamespace(
  folder: string,
  signal: AbortSignal | undefined,
  warn: (text: string) => void,
): Promise<Namespace> {
  const owner = await namespaceOwner();
  if (owner !== undefined && owner !== folder) throw labElsewhere(owner);
  await mkdir(runFolder, { recursive: true, mode: 0o755 });
  await writeFile(join(runFolder, 'owner'), folder);
  const mtu = await wayOutMtu();
  const run = async (line: string) => {
    await command(line.split(' '), { signal });
  };
  if (!(await namespaceExists())) await run(`ip netns add ${labName}`);
  await run(`ip -n ${labName} link set lo up`);
  if (!(await succeeds(['ip', 'link', 'show', outside.device]))) {
    const peer = `peer name ${inside.device} mtu ${mtu} netns ${labName}`;
    await run(`ip link add ${outside.device} mtu ${mtu} type veth ${peer}`);
  }
  await run(`ip address replace ${outside.address} dev ${outside.device}`);
  await run(`ip link set ${outside.device} up`);
  await run(`ip -n ${labName} address replace ${inside.address} dev ${inside.device}`);
  await run(`ip -n ${labName} link set ${inside.device} up`);
  await run(`ip -n ${labName} route replace default via ${outside.address.split('/')[0]}`);
  await run(`${enterNamespace.join(' ')} sysctl -qw net.ipv4.ip_forward=1`);
  await openWayOut(signal);
  await nameServers(warn);
  await startDaemons(signal);
  return { mtu };
}

async function openWayOut(signal: AbortSignal | undefined): Promise<void> {
  const remembered = join(runFolder, 'ip_forward');
  const switchFile = '/proc/sys/net/ipv4/ip_forward';
  const known = await readFile(remembered, 'utf8').catch(() => undefined);
  if (known === undefined) await writeFile(remembered, await readFile(switchFile, 'utf8'));
  await writeFile(switchFile, '1');
  const source = outside.address.replace('.1/', '.0/');
  const rules = `table ip ${table}
delete table ip ${table}
table ip ${table} {
  chain out {
    type nat hook postrouting priority srcnat;
    ip saddr ${source} masquerade
  }
}
`;
  await command(['nft', '-f', '-'], { input: rules, signal });
}

/** A name server on loopback is not there inside the namespace: the real ones behind it are used. */
async function nameServers(warn: (text: string) => void): Promise<void> {
  const usable = (text: string) =>
    [...text.matchAll(/^nameserver\s+(\S+)/gm)]
      .map((match) => match[1] as string)
      .filter((server) => !server.startsWith('127.') && server !== '::1');
  for (const file of ['/etc/resolv.conf', '/run/systemd/resolve/resolv.conf']) {
    const servers = usable(await readFile(file, 'utf8').catch(() => ''));
    if (servers.length === 0) continue;
    await mkdir(`/etc/netns/${labName}`, { recursive: true });
    const text = servers.map((server) => `nameserver ${server}\n`).join('');
    await writeFile(`/etc/netns/${labName}/resolv.conf`, text);
    return;
  }
  warn('no name server is reachable from the lab: its machines cannot install packages');
}

async function startDaemons(signal: AbortSignal | undefined): Promise<void> {
  await writeFile(join(runFolder, 'qemu.conf'), qemuConf);
  const bind = `mount --bind ${runFolder}/qemu.conf /etc/libvirt/qemu.conf`;
  for (const daemon of [virtlogd, libvirtd]) {
    if ((await daemonProcess(daemon)) !== undefined) continue;
    const start = `${bind} && exec ${daemon.program} -d -p "$1"`;
    await command([...enterNamespace, 'sh', '-c', start, 'sh', daemon.pidFile], { signal });
  }
  await waitForLibvirt(signal);
}

/** Stops the daemons and removes the namespace, the rules and the files; what is gone is gone. */
export async function removeNamespace(folder: string): Promise<void> {
  const owner = await namespaceOwner();
  if (owner !== undefined && owner !== folder) return;
  for (const daemon of [libvirtd, virtlogd]) await stopDaemon(daemon);
  await command(['ip', 'link', 'delete', outside.device], { accept: 'any' });
  await command(['nft', 'delete', 'table', 'ip', table], { accept: 'any' });
  if (await namespaceExists()) await command(['ip', 'netns', 'delete', labName]);
  await rm(`/etc/netns/${labName}`, { recursive: true, force: true });
  const before = await readFile(join(runFolder, 'ip_forward'), 'utf8').catch(() => undefined);
  if (before !== undefined) await writeFile('/proc/sys/net/ipv4/ip_forward', before);
  await rm(runFolder, { recursive: true, force: true });
}

/** Whether this process is inside the lab's namespace already. */
export async function insideNamespace(): Promise<boolean> {
  const [own, lab] = await Promise.all([
    stat('/proc/self/ns/net').catch(() => undefined),
    stat(`/run/netns/${labName}`).catch(() => undefined),
  ]);
  return own !== undefined && lab !== undefined && own.ino === lab.ino && own.dev === lab.dev;
}
