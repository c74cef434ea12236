import { setTimeout as sleep } from 'node:timers/promises';
import { DiagnosticError } from '@skerry/diagnostics';
import { domainName, machineState } from './machines.ts';
import type { LabMachine } from './settings.ts';
import { inMachine } from './ssh.ts';
import { nvmeDevice, nvmeId } from './vagrantfile.ts';
import { monitor, qmp, virsh } from './virsh.ts';

/**
 * Snapshots of running machines, memory and disks, by QEMU's `savevm` and `loadvm`.
 *
 * QEMU cannot save the state of an NVMe controller, so controllers are unplugged for the moment of
 * the snapshot and plugged in again; the contents of their disks are part of it. Therefore nothing
 * may be mounted from them while a snapshot is taken.
 */
async function pluggedIn(domain: string): Promise<Set<string>> {
  const children = (await qmp(domain, 'qom-list', { path: '/machine/peripheral' })) as {
    readonly name: string;
  }[];
  return new Set(children.map((child) => child.name));
}

async function unplug(domain: string, serials: readonly string[], rude: boolean): Promise<void> {
  const present = await pluggedIn(domain);
  const ids = serials.map(nvmeId).filter((id) => present.has(id));
  for (const id of ids) await qmp(domain, 'device_del', { id });
  // a reset carries out pending removals without asking the system inside
  if (rude && ids.length > 0) await qmp(domain, 'system_reset');
  for (let waited = 0; waited < 30_000; waited += 100) {
    const left = await pluggedIn(domain);
    if (!ids.some((id) => left.has(id))) return;
    await sleep(100);
  }
  throw new DiagnosticError({
    code: 'lab-snapshot',
    severity: 'error',
    what: `${domain} does not let go of its NVMe disks`,
    why: 'a snapshot needs them unplugged for a moment, and 30 seconds were not enough',
    fix: 'try again when the machine is idle',
  });
}

async function plugIn(domain: string, serials: readonly string[]): Promise<void> {
  const present = await pluggedIn(domain);
  for (const [index, serial] of serials.entries()) {
    if (present.has(nvmeId(serial))) continue;
    const [driver, ...pairs] = nvmeDevice(serial, index).split(',');
    const properties = Object.fromEntries(pairs.map((pair) => pair.split('=')));
    await qmp(domain, 'device_add', { driver, ...properties });
  }
}

/** The names in the output of QEMU's `info snapshots`. */
export function parseSnapshots(text: string): string[] {
  return text
    .split('\n')
    .map((line) => /^(?:--|\d+)\s+(\S+)\s+[\d.]+ [A-Za-z]*i?B\s/.exec(line)?.[1])
    .filter((name) => name !== undefined);
}

export async function snapshotNames(machine: string): Promise<string[]> {
  return parseSnapshots(await monitor(domainName(machine), 'info snapshots'));
}

/** QEMU's human monitor reports an error as text. */
function refuse(machine: string, action: string, said: string): void {
  if (said === '') return;
  throw new DiagnosticError({
    code: 'lab-snapshot',
    severity: 'error',
    what: `${action} of ${machine} failed`,
    why: said,
    fix: '`bootstrap lab status` shows the state of the machines',
  });
}

/** Takes a snapshot of a running machine; one of the same name is replaced. */
export async function takeSnapshot(
  machine: string,
  nvme: readonly string[],
  name: string,
): Promise<void> {
  const domain = domainName(machine);
  await unplug(domain, nvme, false);
  try {
    refuse(machine, `the snapshot "${name}"`, await monitor(domain, `savevm ${name}`));
  } finally {
    await plugIn(domain, nvme);
  }
}

/**
 * Puts a machine back to a snapshot, whatever it does now. It stands still meanwhile, so that
 * nothing of its present life reaches into the restored one. Its clock is behind afterwards.
 */
export async function loadSnapshot(
  machine: string,
  nvme: readonly string[],
  name: string,
): Promise<void> {
  const domain = domainName(machine);
  const state = await machineState(machine);
  if (state === 'off') await virsh(['start', domain, '--paused']);
  if (state === 'running') await virsh(['suspend', domain]);
  await unplug(domain, nvme, true);
  refuse(machine, `going back to "${name}"`, await monitor(domain, `loadvm ${name}`));
  await plugIn(domain, nvme);
  await virsh(['resume', domain]);
}

export function checkSnapshotName(name: string): void {
  if (/^[A-Za-z][A-Za-z0-9._-]{0,62}$/.test(name)) return;
  throw new DiagnosticError({
    code: 'lab-snapshot',
    severity: 'error',
    what: `"${name}" is no name for a snapshot`,
    fix: 'use letters, digits, dots and hyphens, beginning with a letter',
  });
}

export async function refuseMounted(ssh: readonly string[], machine: LabMachine): Promise<void> {
  const mounted = await inMachine(ssh, "sed -n 's|^\\(/dev/nvme[^ ]*\\) .*|\\1|p' /proc/mounts");
  if (mounted === undefined || mounted.trim() === '') return;
  throw new DiagnosticError({
    code: 'lab-snapshot',
    severity: 'error',
    what: `${machine.name} has ${mounted.trim().split('\n').join(', ')} mounted`,
    why: 'QEMU cannot save an NVMe controller; it is unplugged for the snapshot',
    fix: 'take the snapshot before the disks are mounted, or give the disks `bus: virtio`',
  });
}
