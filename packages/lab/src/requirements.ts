import { access, constants, readFile, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { DiagnosticError } from '@skerry/diagnostics';
import { systemdFolder } from './system.ts';
import type { Accelerator } from './vagrantfile.ts';

/** A thing the lab needs: a program or file, and the Debian package that brings it. */
export interface Requirement {
  /** Any of these is enough: program names, or absolute paths. */
  readonly anyOf: readonly string[];
  readonly package: string;
  readonly purpose: string;
}

export interface Requirements {
  readonly missing: readonly Requirement[];
  /** The commands that install what is missing, one argument per element; none if nothing is. */
  readonly install: readonly (readonly string[])[];
}

const always: readonly Requirement[] = [
  { anyOf: ['qemu-system-x86_64'], package: 'qemu-system-x86', purpose: 'runs the machines' },
  { anyOf: ['qemu-img'], package: 'qemu-utils', purpose: 'makes disk images' },
  { anyOf: ['libvirtd'], package: 'libvirt-daemon-system', purpose: 'manages the machines' },
  { anyOf: ['virsh'], package: 'libvirt-clients', purpose: 'talks to libvirt' },
  { anyOf: ['vagrant'], package: 'vagrant', purpose: 'describes and starts the machines' },
  {
    anyOf: [
      '/usr/share/vagrant-plugins/plugins.d/vagrant-libvirt.json',
      '~/.vagrant.d/plugins.json',
    ],
    package: 'vagrant-libvirt',
    purpose: 'lets Vagrant use libvirt',
  },
  { anyOf: ['dnsmasq'], package: 'dnsmasq-base', purpose: 'gives the machines addresses' },
  { anyOf: ['iptables'], package: 'iptables', purpose: "libvirt's network address translation" },
  { anyOf: ['ssh-keygen'], package: 'openssh-client', purpose: "makes the lab's key" },
];

const toBuild: readonly Requirement[] = [
  { anyOf: ['mmdebstrap'], package: 'mmdebstrap', purpose: 'builds the box' },
  { anyOf: ['mkfs.ext4'], package: 'e2fsprogs', purpose: 'makes the disk of the box' },
  {
    anyOf: ['/usr/share/keyrings/debian-archive-keyring.gpg'],
    package: 'debian-archive-keyring',
    purpose: "checks Debian's signatures",
  },
];

const inNamespace: readonly Requirement[] = [
  { anyOf: ['ip'], package: 'iproute2', purpose: "makes the lab's network namespace" },
  { anyOf: ['nft'], package: 'nftables', purpose: 'leads out of the namespace' },
];

const folders = [
  ...(process.env['PATH'] ?? '').split(delimiter).filter(Boolean),
  '/usr/local/sbin',
  '/usr/sbin',
  '/sbin',
];

async function isThere(what: string): Promise<boolean> {
  const path = what.startsWith('~/') ? join(process.env['HOME'] ?? '/', what.slice(2)) : what;
  if (path.endsWith('plugins.json')) {
    return (await readFile(path, 'utf8').catch(() => '')).includes('vagrant-libvirt');
  }
  if (path.includes('/')) {
    return await stat(path).then(
      () => true,
      () => false,
    );
  }
  for (const folder of folders) {
    const found = await access(join(folder, path), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return true;
  }
  return false;
}

/** Whether the machines' network must be a namespace of the lab's own: where nothing runs systemd. */
export async function needsNamespace(): Promise<boolean> {
  return !(await isThere(systemdFolder));
}

/** What these settings need; pure, for a given kind of computer. */
export function requirementsFor(options: {
  readonly ownBox: boolean;
  readonly namespace: boolean;
}): readonly Requirement[] {
  return [...always, ...(options.ownBox ? [] : toBuild), ...(options.namespace ? inNamespace : [])];
}

/** The commands that install these packages on Debian and Ubuntu. */
export function installCommands(
  missing: readonly Requirement[],
  root: boolean,
): readonly (readonly string[])[] {
  if (missing.length === 0) return [];
  const packages = [...new Set(missing.map((requirement) => requirement.package))].toSorted();
  const sudo = root ? [] : ['sudo'];
  return [
    [...sudo, 'apt-get', 'update'],
    [...sudo, 'apt-get', 'install', '--yes', ...packages],
  ];
}

/** Commands as a person would type them. */
export function commandLine(commands: readonly (readonly string[])[]): string {
  return commands.map((argv) => argv.join(' ')).join(' && ');
}

/** Looks for everything that is needed. */
export async function findRequirements(ownBox: boolean): Promise<Requirements> {
  const all = requirementsFor({ ownBox, namespace: await needsNamespace() });
  const present = await Promise.all(
    all.map(async (requirement) =>
      (await Promise.all(requirement.anyOf.map(isThere))).some(Boolean),
    ),
  );
  const missing = all.filter((_, index) => present[index] !== true);
  return { missing, install: installCommands(missing, process.getuid?.() === 0) };
}

export function missingRequirements(requirements: Requirements): DiagnosticError {
  const names = requirements.missing.map(({ package: name, purpose }) => `${name} (${purpose})`);
  return new DiagnosticError({
    code: 'lab-requirements',
    severity: 'error',
    what: `the lab needs ${requirements.missing.length} packages that are not installed`,
    why: `missing: ${names.join(', ')}`,
    fix: `run: ${commandLine(requirements.install)}\nor answer the question of \`bootstrap lab up\` with yes (\`--yes\`)`,
  });
}

/**
 * KVM where the processor has it and /dev/kvm may be used; otherwise emulation. A /dev/kvm without
 * vmx or svm in /proc/cpuinfo exists in nested machines, and guests hang on it.
 */
export function chooseAccelerator(cpuinfo: string, kvmUsable: boolean): Accelerator {
  const flags = /^flags\s*:.*$/m.exec(cpuinfo)?.[0].split(/\s+/) ?? [];
  return kvmUsable && (flags.includes('vmx') || flags.includes('svm')) ? 'kvm' : 'qemu';
}

export async function findAccelerator(): Promise<Accelerator> {
  const cpuinfo = await readFile('/proc/cpuinfo', 'utf8');
  const usable = await access('/dev/kvm', constants.R_OK | constants.W_OK).then(
    () => true,
    () => false,
  );
  return chooseAccelerator(cpuinfo, usable);
}
