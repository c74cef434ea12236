import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { hostOrigin } from '@skerry/lab';
import { succeeded } from './succeeded.ts';

/** What nodes have in the lab's box, and what the endpoint of three control planes needs. */
const packages = [
  'ca-certificates',
  'conntrack',
  'containerd',
  'curl',
  'dbus',
  'ethtool',
  'haproxy',
  'iproute2',
  'ipset',
  'iptables',
  'iputils-ping',
  'keepalived',
  'kmod',
  'nftables',
  'openssh-server',
  'procps',
  'socat',
  'sudo',
  'systemd',
  'systemd-sysv',
  'systemd-timesyncd',
  'udev',
  'zstd',
];

/** What looks for devices, or asks for the address that a machine has been given from outside. */
const masked = [
  'getty.target',
  'systemd-networkd.service',
  'systemd-networkd.socket',
  'systemd-networkd-wait-online.service',
  'systemd-udevd.service',
  'systemd-udevd-control.socket',
  'systemd-udevd-kernel.socket',
];

const hooks = [
  `chroot "$1" systemctl mask ${masked.join(' ')}`,
  // A machine that is none is not given the time; here it is to be set up as on one.
  'mkdir -p "$1/etc/systemd/system/systemd-timesyncd.service.d"',
  `printf '[Unit]\\nConditionVirtualization=\\n' >"$1/etc/systemd/system/systemd-timesyncd.service.d/container.conf"`,
  ': >"$1/etc/machine-id"',
  'install -d -m 700 "$1/root/.ssh"',
];

/** Where the systems of containers lie: below the cache folder, which is on a disk. */
export const containersFolder = join(
  process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'),
  'skerry/containers',
);

/** The folder of a Debian 13 with what a node needs; made once, in about a minute, from Debian's packages. */
export async function rootSystem(): Promise<string> {
  const origin = await hostOrigin();
  const made = JSON.stringify([packages, hooks]);
  const folder = join(
    containersFolder,
    `root-${createHash('sha256').update(made).digest('hex').slice(0, 12)}`,
  );
  if (existsSync(folder)) return folder;
  mkdirSync(containersFolder, { recursive: true });
  const part = `${folder}.${process.pid}.part`;
  try {
    await succeeded([
      'mmdebstrap',
      '--variant=minbase',
      '--architectures=amd64',
      `--include=${packages.join(',')}`,
      '--aptopt=Acquire::Languages "none"',
      ...origin.options.map((option) => `--aptopt=${option}`),
      ...hooks.map((hook) => `--customize-hook=${hook}`),
      'trixie',
      part,
      ...origin.sources('trixie'),
    ]);
    renameSync(part, folder);
  } finally {
    rmSync(part, { recursive: true, force: true });
  }
  return folder;
}
