import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { DiagnosticError } from '@skerry/diagnostics';
import type { Box } from './box/build.ts';
import { labName, type LabMachine } from './settings.ts';
import type { DiskVolume } from './vagrantfile.ts';
import { virsh } from './virsh.ts';

/** Within the folder that every distribution's confinement of QEMU knows. */
export const poolFolder = `/var/lib/libvirt/images/${labName}`;

interface Volume {
  readonly name: string;
  readonly path: string;
}

/** The lab's volumes; none where there is no pool. */
async function volumes(): Promise<Volume[]> {
  await virsh(['pool-refresh', labName], { accept: 'any' });
  const { code, stdout } = await virsh(['vol-list', labName], { accept: 'any' });
  if (code !== 0) return [];
  return [...stdout.matchAll(/^\s*(\S+)\s+(\/.*?)\s*$/gm)].map((match) => ({
    name: match[1] as string,
    path: match[2] as string,
  }));
}

/** The names of all volumes of the lab. */
export async function volumeNames(): Promise<readonly string[]> {
  return (await volumes()).map(({ name }) => name);
}

/** Makes the lab's own storage pool: removing it later removes nothing else. */
export async function ensurePool(): Promise<void> {
  const { code, stdout } = await virsh(['pool-info', labName], { accept: 'any' });
  if (code !== 0) {
    await virsh(['pool-define-as', labName, 'dir', '--target', poolFolder]);
    await virsh(['pool-build', labName]);
  }
  if (!/^State:\s+running/m.test(stdout)) await virsh(['pool-start', labName]);
}

/**
 * Marks the pool, and with it all that has the lab's name here, as this folder's.
 *
 * What a lab left whose folder is gone is nobody's, and is removed.
 *
 * @throws DiagnosticError `lab-elsewhere` when another folder's lab is on this computer.
 */
export async function claimPool(folder: string): Promise<void> {
  const prefix = 'folder-';
  const mine = `${prefix}${Buffer.from(folder).toString('base64url')}`;
  const all = await volumes();
  const marks = all.filter(({ name }) => name.startsWith(prefix));
  const others = marks.filter(({ name }) => name !== mine);
  for (const { name } of others) {
    const owner = Buffer.from(name.slice(prefix.length), 'base64url').toString();
    if (existsSync(owner)) throw labElsewhere(owner);
  }
  if (others.length > 0) {
    for (const { name } of all) await virsh(['vol-delete', '--pool', labName, name]);
  }
  if (marks.length === others.length)
    await virsh(['vol-create-as', labName, mine, '0', '--format', 'raw']);
}

export function labElsewhere(owner: string): DiagnosticError {
  return new DiagnosticError({
    code: 'lab-elsewhere',
    severity: 'error',
    what: 'this computer has another lab already',
    why: `it belongs to ${owner}`,
    fix: `destroy that one first: \`bootstrap lab destroy\` for the inventory beside ${owner}`,
  });
}

/** Puts kernel and initrd where QEMU may read them, however libvirt confines it. */
export async function uploadBootFiles(
  box: Box,
  signal: AbortSignal | undefined,
): Promise<{ kernel: string; initrd: string }> {
  const present = new Set((await volumes()).map((volume) => volume.name));
  const upload = async (file: string) => {
    const name = `${basename(box.folder)}-${basename(file)}`;
    const target = `${poolFolder}/${name}`;
    if (present.has(name)) return target;
    const { size } = await stat(file);
    await virsh(['vol-create-as', labName, name, `${size}B`, '--format', 'raw'], { signal });
    await virsh(['vol-upload', '--pool', labName, name, file], { signal });
    return target;
  };
  return { kernel: await upload(box.kernel), initrd: await upload(box.initrd) };
}

/** Makes the NVMe volumes that are missing. Vagrant makes the virtio ones itself. */
export async function ensureDisks(
  machine: LabMachine,
  allowNvme: boolean,
): Promise<readonly DiskVolume[]> {
  const present = new Set((await volumes()).map((volume) => volume.name));
  const result: DiskVolume[] = [];
  for (const disk of machine.disks) {
    const bus = allowNvme ? disk.bus : 'virtio';
    const name = `${machine.name}-${disk.serial.replaceAll(/[^A-Za-z0-9._-]/g, '-')}.qcow2`;
    if (bus === 'nvme' && !present.has(name)) {
      await virsh(['vol-create-as', labName, name, `${disk.size}GiB`, '--format', 'qcow2']);
    }
    result.push({ serial: disk.serial, size: disk.size, bus, path: `${poolFolder}/${name}` });
  }
  return result;
}

/** Removes the pool with all that is in it. */
export async function removePool(): Promise<void> {
  const info = await virsh(['pool-info', labName], { accept: 'any' });
  if (info.code !== 0) return;
  await virsh(['pool-start', labName], { accept: 'any' });
  for (const volume of await volumes()) {
    await virsh(['vol-delete', '--pool', labName, volume.name], { accept: 'any' });
  }
  await virsh(['pool-destroy', labName]);
  await virsh(['pool-delete', labName], { accept: 'any' });
  await virsh(['pool-undefine', labName]);
}
