import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { command, type CommandOptions, type CommandResult } from './command.ts';
import { labName } from './settings.ts';
import { virsh } from './virsh.ts';

export type MachineState = 'running' | 'paused' | 'off' | 'absent';

export function domainName(machine: string): string {
  return `${labName}-${machine}`;
}

/** What `virsh domstate` says, in the lab's words. */
export function parseDomainState(stdout: string): MachineState {
  const state = stdout.trim();
  if (state === 'running' || state === 'idle' || state === 'in shutdown') return 'running';
  if (state === 'paused' || state === 'pmsuspended') return 'paused';
  return 'off';
}

export async function machineState(machine: string): Promise<MachineState> {
  const { code, stdout } = await virsh(['domstate', domainName(machine)], { accept: 'any' });
  return code === 0 ? parseDomainState(stdout) : 'absent';
}

/** MiB that a machine was made with; undefined where there is none. */
export async function machineMemory(machine: string): Promise<number | undefined> {
  const { code, stdout } = await virsh(['dominfo', domainName(machine)], { accept: 'any' });
  const kibibytes = /^Max memory:\s+(\d+) KiB$/m.exec(stdout)?.[1];
  return code === 0 && kibibytes !== undefined ? Number(kibibytes) / 1024 : undefined;
}

/** Runs vagrant in the lab's folder, within the lab's network. */
export async function vagrant(
  folder: string,
  enter: readonly string[],
  argv: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return await command([...enter, 'vagrant', ...argv], {
    // the first SIGINT makes Vagrant finish what it is at, so that nothing is left half made
    killSignal: 'SIGINT',
    ...options,
    cwd: folder,
    env: {
      VAGRANT_CWD: folder,
      VAGRANT_DEFAULT_PROVIDER: 'libvirt',
      VAGRANT_CHECKPOINT_DISABLE: '1',
      VAGRANT_NO_COLOR: '1',
      ...options.env,
    },
  });
}

/** The boxes that `vagrant box list --machine-readable` names, for libvirt. */
export function parseBoxes(stdout: string): string[] {
  const names: string[] = [];
  let current = '';
  for (const line of stdout.split('\n')) {
    const [, , type, value = ''] = line.split(',');
    if (type === 'box-name') current = value.trim();
    if (type === 'box-provider' && value.trim() === 'libvirt') names.push(current);
  }
  return names;
}

/**
 * Removes what an interrupted `vagrant up` has left: a domain that Vagrant has no record of would
 * stand in its own way.
 */
export async function removeOrphan(folder: string, machine: string): Promise<void> {
  const { code, stdout } = await virsh(['domuuid', domainName(machine)], { accept: 'any' });
  if (code !== 0) return;
  const record = join(folder, '.vagrant', 'machines', machine, 'libvirt', 'id');
  const known = await readFile(record, 'utf8').catch(() => '');
  if (known.trim() === stdout.trim()) return;
  await removeDomain(machine);
}

/** Ends and removes a machine with its root disk; its NVMe volumes stay. */
export async function removeDomain(machine: string): Promise<void> {
  const domain = domainName(machine);
  await virsh(['destroy', domain], { accept: 'any' });
  await virsh(['undefine', domain, '--snapshots-metadata'], { accept: 'any' });
  await virsh(['vol-delete', '--pool', labName, `${domain}.img`], { accept: 'any' });
}
