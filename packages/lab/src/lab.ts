import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { DiagnosticError } from '@skerry/diagnostics';
import { ensureBox } from './box/build.ts';
import { boxImages } from './box/images.ts';
import { command } from './command.ts';
import { cacheFolder, ensureKey } from './keys.ts';
import { forgetHostKeys, knownAddresses, waitForHostKeys } from './known-hosts.ts';
import { ensureNetwork, removeNetwork } from './libvirt-network.ts';
import {
  machineMemory,
  machineState,
  parseBoxes,
  removeDomain,
  removeOrphan,
  vagrant,
} from './machines.ts';
import {
  enterNamespace,
  ensureNamespace,
  insideNamespace,
  namespaceOwner,
  removeNamespace,
} from './namespace.ts';
import { labNetwork } from './network.ts';
import { Progress } from './progress.ts';
import {
  commandLine,
  findAccelerator,
  findRequirements,
  missingRequirements,
  needsNamespace,
} from './requirements.ts';
import type { Lab, LabOptions, LabStatus, MachineStatus } from './contract.ts';
import { seedContents, seedLabel, type SeedContents } from './seed.ts';
import { ensureSeed, hasSeed, mountSeed, supplySeed } from './seed-disk.ts';
import { checkNames, type LabMachine } from './settings.ts';
import {
  checkSnapshotName,
  loadSnapshot,
  refuseMounted,
  snapshotNames,
  takeSnapshot,
} from './snapshot.ts';
import { inMachine, sshArguments, waitForMachine } from './ssh.ts';
import {
  claimPool,
  ensureDisks,
  ensurePool,
  poolFolder,
  removePool,
  uploadBootFiles,
} from './storage.ts';
import { confinesQemu, libvirtAnswers, requireLibvirt } from './system.ts';
import { vagrantfile } from './vagrantfile.ts';
import { virshNames } from './virsh.ts';

/** The lab of these machines; nothing happens until a method is called. */
export function createLab(options: LabOptions): Lab {
  const { machines, settings, signal } = options;
  const folder = resolve(options.folder);
  const progress = new Progress(options.onEvent ?? (() => undefined), signal);
  const ownBox = settings.box !== undefined;
  checkNames(machines);
  const network = labNetwork(settings.network, machines);

  const enter = async (): Promise<readonly string[]> =>
    (await needsNamespace()) && !(await insideNamespace()) ? enterNamespace : [];

  const find = (name: string): LabMachine => {
    const machine = machines.find((candidate) => candidate.name === name);
    if (machine !== undefined) return machine;
    throw new DiagnosticError({
      code: 'lab-machine',
      severity: 'error',
      what: `the lab has no machine "${name}"`,
      fix: `its machines are: ${machines.map((candidate) => candidate.name).join(', ')}`,
    });
  };

  const nvmeSerials = async (machine: LabMachine): Promise<readonly string[]> =>
    (await confinesQemu())
      ? []
      : machine.disks.filter((disk) => disk.bus === 'nvme').map((disk) => disk.serial);

  const install = async (): Promise<void> => {
    const found = await findRequirements(ownBox);
    if (found.missing.length === 0) return;
    const question = `The lab needs packages that are not installed. Run this?\n  ${commandLine(found.install)}`;
    if ((await options.confirm?.(question)) !== true) throw missingRequirements(found);
    await progress.stage('packages of this computer', async (note) => {
      const env = { DEBIAN_FRONTEND: 'noninteractive' };
      for (const argv of found.install) await command(argv, { signal, onLine: note, env });
    });
    const after = await findRequirements(ownBox);
    if (after.missing.length > 0) throw missingRequirements(after);
  };

  /** Makes libvirt answer; returns the largest packet of the lab's network in bytes. */
  const libvirt = async (): Promise<number> => {
    if (!(await needsNamespace())) {
      await requireLibvirt();
      return 1500;
    }
    if (process.getuid?.() !== 0) {
      throw new DiagnosticError({
        code: 'lab-root',
        severity: 'error',
        what: 'here the lab must be run by root',
        why: 'nothing runs systemd, so the lab starts libvirtd itself, in a network namespace',
        fix: 'run the same command as root (sudo)',
      });
    }
    if (await insideNamespace()) {
      await requireLibvirt();
      return 1500;
    }
    const made = await ensureNamespace(folder, signal, (text) => {
      progress.warn(text);
    });
    return made.mtu;
  };

  const status = async (): Promise<LabStatus> => {
    const namespace = await needsNamespace();
    const answers =
      (await findRequirements(ownBox)).missing.length === 0 && (await libvirtAnswers());
    const list = machines.map(async (machine): Promise<MachineStatus> => {
      const state = answers ? await machineState(machine.name) : 'absent';
      const ssh =
        state === 'running' &&
        (await inMachine(await lab.sshCommand(machine.name), 'true', 15_000)) !== undefined;
      return { name: machine.name, address: machine.address, state, ssh };
    });
    return { accelerator: await findAccelerator(), namespace, machines: await Promise.all(list) };
  };

  const prepare = async (seed: SeedContents | undefined): Promise<void> => {
    const publicKey = await ensureKey(folder);
    const mtu = await progress.stage('libvirt and the network', async () => {
      const size = await libvirt();
      await ensurePool();
      await claimPool(folder);
      await ensureNetwork(folder, network, machines, size);
      return size;
    });
    const accelerator = await findAccelerator();
    if (accelerator === 'qemu') {
      progress.warn('no KVM here: the machines are emulated, which is about 12 times slower');
    }
    const nvme = !(await confinesQemu());
    if (!nvme && machines.some((machine) => machine.disks.some((disk) => disk.bus === 'nvme'))) {
      progress.warn(
        'libvirt confines QEMU here (AppArmor or SELinux): NVMe disks become virtio disks with the same serial numbers',
      );
    }
    let boot: { kernel: string; initrd: string } | undefined;
    let box = settings.box;
    if (box === undefined) {
      const built = await ensureBox(
        {
          debian: settings.debian,
          disk: settings.disk,
          publicKey,
          nameserver: network.gateway,
          packages: settings.packages ?? [],
          images: boxImages(settings.packages ?? [], seed),
          cache: join(cacheFolder(), 'boxes'),
        },
        progress,
      );
      box = built.name;
      const listed = await vagrant(folder, [], ['box', 'list', '--machine-readable']);
      if (!parseBoxes(listed.stdout).includes(box)) {
        await progress.stage('adding the box to Vagrant', async (note) => {
          await vagrant(folder, [], ['box', 'add', '--name', built.name, built.file], {
            signal,
            onLine: note,
          });
        });
      }
      boot = await uploadBootFiles(built, signal);
    }
    if (seed !== undefined) await ensureSeed(seed, progress);
    const withDisks = [];
    for (const machine of machines) {
      withDisks.push({ ...machine, disks: await ensureDisks(machine, nvme) });
    }
    const text = vagrantfile({
      settings,
      network,
      accelerator,
      box,
      publicKey,
      boot,
      mtu,
      machines: withDisks,
      pool: poolFolder,
      ...(seed === undefined ? {} : { seed: nvme ? 'disk' : 'cdrom' }),
    });
    await writeFile(join(folder, 'Vagrantfile'), text);
  };

  const boot = async (): Promise<void> => {
    const states = await Promise.all(machines.map((machine) => machineState(machine.name)));
    // an interrupted first boot of the user's own box may have left the lab's key out
    if (states.every((state) => state === 'running') && !ownBox) return;
    // one that runs stays as it is: Vagrant would look at it for seconds
    const needed = ownBox ? machines : machines.filter((_, index) => states[index] !== 'running');
    for (const machine of needed) await removeOrphan(folder, machine.name);
    const names = needed.map(({ name }) => name);
    await progress.stage(`booting ${names.join(', ')}`, async (note) => {
      const provision = ownBox ? ['--provision'] : [];
      const argv = ['up', '--parallel', ...provision, ...names];
      await vagrant(folder, await enter(), argv, { signal, onLine: note });
    });
  };

  /** Keys of machines that are known stay: a changed key must be noticed. */
  const gatherHostKeys = async (): Promise<void> => {
    const file = join(folder, 'known_hosts');
    const text = await readFile(file, 'utf8').catch(() => '');
    const known = knownAddresses(text);
    const unknown = machines.map(({ address }) => address).filter((each) => !known.has(each));
    if (unknown.length === 0) return;
    await progress.stage('host keys', async () => {
      const lines = await waitForHostKeys(unknown, await enter(), signal);
      await writeFile(file, `${text}${lines.join('\n')}\n`, { mode: 0o600 });
    });
  };

  /** Machines of another inventory may have the same names: using them would end in riddles. */
  const refuseOthers = async (): Promise<void> => {
    for (const { name, memory = settings.memory } of machines) {
      const has = await machineMemory(name);
      if (has === undefined || has === memory) continue;
      throw new DiagnosticError({
        code: 'lab-different',
        severity: 'error',
        what: `${name} is there with ${has} MiB of memory, and the inventory says ${memory}`,
        why: 'it was made for another inventory, or before the inventory was changed; machines keep what they were made with',
        fix: 'make the machines anew: bootstrap lab destroy INVENTORY, then up',
      });
    }
  };

  const allHave = async (seed: SeedContents | undefined): Promise<boolean> => {
    if (seed === undefined) return true;
    const have = machines.map(async ({ name }) => hasSeed(seed, await lab.sshCommand(name)));
    return (await Promise.all(have)).every(Boolean);
  };

  const lab: Lab = {
    requirements: async () => await findRequirements(ownBox),
    install,
    enter,
    status,
    sshCommand: async (name) => sshArguments(folder, await enter(), find(name)),
    up: async () => {
      await install();
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const bundle = await options.bundle?.();
      const seed = bundle === undefined ? undefined : await seedContents(bundle);
      const before = await status();
      await refuseOthers();
      if (before.machines.every((machine) => machine.ssh) && (await allHave(seed))) return before;
      await prepare(seed);
      const states = await Promise.all(machines.map((machine) => machineState(machine.name)));
      const made = machines.filter((_, index) => states[index] === 'absent');
      await forgetHostKeys(join(folder, 'known_hosts'), made);
      await boot();
      await gatherHostKeys();
      await progress.stage('SSH answers', async () => {
        await Promise.all(
          machines.map(async (machine) => {
            const ssh = await lab.sshCommand(machine.name);
            await waitForMachine(ssh, machine, ownBox ? 'true' : naming(machine), { signal });
          }),
        );
      });
      if (seed !== undefined && !(await allHave(seed))) {
        await progress.stage('the bundle in the machines', async () => {
          for (const machine of machines) {
            await supplySeed(seed, machine, await lab.sshCommand(machine.name));
          }
        });
      }
      return await status();
    },
    destroy: async () => {
      const found = await findRequirements(ownBox);
      const namespace = await needsNamespace();
      if (namespace && (await insideNamespace())) {
        throw new DiagnosticError({
          code: 'lab-inside',
          severity: 'error',
          what: 'the lab cannot be destroyed from within its own network namespace',
          fix: 'leave the shell that `ip netns exec skerry-lab` has opened',
        });
      }
      const something =
        (await namespaceOwner()) === folder ||
        (await stat(poolFolder).then(
          () => true,
          () => false,
        ));
      if (found.missing.length === 0 && something) {
        await progress.stage('removing the machines', async () => {
          await libvirt();
          await ensurePool();
          await claimPool(folder);
          const prefix = 'skerry-lab-';
          const domains = await virshNames(['list', '--all']);
          for (const domain of domains.filter((name) => name.startsWith(prefix))) {
            await removeDomain(domain.slice(prefix.length));
          }
          await removeNetwork();
          await removePool();
        });
      }
      if (namespace && process.getuid?.() === 0) {
        await progress.stage('stopping what the lab started', async () => {
          await removeNamespace(folder);
        });
      }
      await rm(folder, { recursive: true, force: true });
    },
    snapshot: async (name) => {
      checkSnapshotName(name);
      await progress.stage(`snapshot "${name}"`, async () => {
        for (const machine of machines) {
          await refuseMounted(await lab.sshCommand(machine.name), machine);
        }
        await Promise.all(
          machines.map(async (machine) => {
            await takeSnapshot(machine.name, await nvmeSerials(machine), name);
          }),
        );
        await Promise.all(machines.map(settle));
      });
    },
    restore: async (name) => {
      checkSnapshotName(name);
      await progress.stage(`going back to "${name}"`, async () => {
        await Promise.all(
          machines.map(async (machine) => {
            await loadSnapshot(machine.name, await nvmeSerials(machine), name);
          }),
        );
        await Promise.all(machines.map(settle));
      });
    },
    snapshots: async () => {
      const lists = await Promise.all(machines.map((machine) => snapshotNames(machine.name)));
      return (lists[0] ?? []).filter((name) => lists.every((list) => list.includes(name)));
    },
  };

  /** The clock is set from the virtual hardware's, and every NVMe disk is there again. */
  const settle = async (machine: LabMachine): Promise<void> => {
    const disks = (await nvmeSerials(machine)).length;
    const remote =
      'sudo date -u -s "@$(cat /sys/class/rtc/rtc0/since_epoch)" >/dev/null || exit 1; ' +
      `set -- /sys/class/nvme/nvme*; [ -e "$1" ] || shift; [ $# -eq ${disks} ] || exit 1; ` +
      // the disk with the bundle may be another one than at the time of the snapshot
      `[ ! -e /dev/disk/by-label/${seedLabel} ] || sudo sh -c '${mountSeed}' || :`;
    const ssh = await lab.sshCommand(machine.name);
    await waitForMachine(ssh, machine, remote, { signal, deadline: 120_000 });
  };

  return lab;
}

/** The built box is called "lab" until its machines have names; later the name is not touched. */
function naming({ name }: LabMachine): string {
  const rename = `echo ${name} >/etc/hostname && hostname ${name} && echo "127.0.1.1 ${name}" >>/etc/hosts`;
  return `[ "$(hostname)" != lab ] || sudo sh -c '${rename}'`;
}
