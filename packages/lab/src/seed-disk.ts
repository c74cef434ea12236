import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DiagnosticError } from '@skerry/diagnostics';
import { cacheFolder } from './keys.ts';
import { domainName } from './machines.ts';
import type { Progress } from './progress.ts';
import { makeSeed, seedLabel, seedMark, seedMount, type SeedContents } from './seed.ts';
import { labName, type LabMachine } from './settings.ts';
import { inMachine } from './ssh.ts';
import { poolFolder, volumeNames } from './storage.ts';
import { seedDevice, seedNode, seedVolume } from './vagrantfile.ts';
import { qmp, virsh } from './virsh.ts';

/** Puts the disk with these contents into the pool, unless it is there. */
export async function ensureSeed(contents: SeedContents, progress: Progress): Promise<void> {
  const mark = `seed-${contents.digest.slice(0, 16)}`;
  const present = await volumeNames();
  if (present.includes(mark) && present.includes(seedVolume)) return;
  const { signal } = progress;
  await progress.stage('disk with the bundle', async () => {
    for (const name of present.filter((each) => each.startsWith('seed-') || each === seedVolume)) {
      await virsh(['vol-delete', '--pool', labName, name]);
    }
    const file = join(cacheFolder(), 'lab', seedVolume);
    try {
      await makeSeed(contents, file, progress);
      const { size } = await stat(file);
      await virsh(['vol-create-as', labName, seedVolume, `${size}B`, '--format', 'raw'], {
        signal,
      });
      await virsh(['vol-upload', '--pool', labName, '--sparse', seedVolume, file], { signal });
      await virsh(['vol-create-as', labName, mark, '0', '--format', 'raw']);
    } finally {
      await rm(file, { force: true });
    }
  });
}

const askSeed = `sudo cat ${seedMount}/${seedMark} 2>/dev/null || :`;

/** In a machine, as root: mounted anew, whatever was seen of an earlier disk is forgotten. */
export const mountSeed =
  `mkdir -p ${seedMount} && { ! mountpoint -q ${seedMount} || umount ${seedMount}; } && ` +
  `mount -o ro,noatime LABEL=${seedLabel} ${seedMount}`;

const unmountSeed = `! mountpoint -q ${seedMount} || umount ${seedMount}`;

/** Whether a machine that answers has these contents mounted. */
export async function hasSeed(contents: SeedContents, ssh: readonly string[]): Promise<boolean> {
  return (await inMachine(ssh, askSeed))?.trim() === contents.digest;
}

/**
 * Sees to it that a machine that answers has the disk of the pool mounted. One that was made without
 * it, or with an earlier one, gets it while it runs.
 *
 * @throws DiagnosticError `lab-seed`
 */
export async function supplySeed(
  contents: SeedContents,
  machine: LabMachine,
  ssh: readonly string[],
): Promise<void> {
  for (const swap of [false, true]) {
    if (swap) await swapSeed(machine, ssh);
    // A disk that was just plugged in is seen after a moment.
    for (let tries = 0; tries < (swap ? 30 : 1); tries += 1) {
      if (await hasSeed(contents, ssh)) return;
      await inMachine(ssh, `sudo sh -c '${mountSeed}' 2>/dev/null`);
      if (await hasSeed(contents, ssh)) return;
      await sleep(swap ? 1000 : 0);
    }
  }
  throw new DiagnosticError({
    code: 'lab-seed',
    severity: 'error',
    what: `${machine.name} does not show the disk with the bundle`,
    why: `it was plugged in, and ${seedMount} does not have its contents`,
    fix: 'make the machines anew: bootstrap lab destroy INVENTORY, then up',
  });
}

/** Gives a running machine the disk of the pool instead of the one that it has, if any. */
async function swapSeed(machine: LabMachine, ssh: readonly string[]): Promise<void> {
  const domain = domainName(machine.name);
  if ((await inMachine(ssh, `sudo sh -c '${unmountSeed}'`)) === undefined) throw busy(machine);
  if (await hasDevice(domain)) {
    await qmp(domain, 'device_del', { id: seedDevice.id });
    for (let waited = 0; await hasDevice(domain); waited += 200) {
      if (waited > 60_000) throw busy(machine);
      await sleep(200);
    }
  }
  const nodes = (await qmp(domain, 'query-named-block-nodes', { flat: true })) as {
    readonly 'node-name': string;
  }[];
  if (nodes.some((each) => each['node-name'] === seedNode)) {
    await qmp(domain, 'blockdev-del', { 'node-name': seedNode });
  }
  await qmp(domain, 'blockdev-add', {
    driver: 'raw',
    'node-name': seedNode,
    'read-only': true,
    file: { driver: 'file', filename: join(poolFolder, seedVolume) },
  });
  await qmp(domain, 'device_add', seedDevice);
}

async function hasDevice(domain: string): Promise<boolean> {
  const children = (await qmp(domain, 'qom-list', { path: '/machine/peripheral' })) as {
    readonly name: string;
  }[];
  return children.some(({ name }) => name === seedDevice.id);
}

function busy(machine: LabMachine): DiagnosticError {
  return new DiagnosticError({
    code: 'lab-seed',
    severity: 'error',
    what: `${machine.name} does not let go of the disk with the bundle`,
    why: `something in it may still be using ${seedMount}`,
    fix: `look with: bootstrap lab ssh INVENTORY --host ${machine.name}, then: sudo fuser -vm ${seedMount}`,
  });
}
