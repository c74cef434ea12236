import { hardwareAddress, type LabNetwork } from './network.ts';
import { labName, type LabMachine, type LabSettings } from './settings.ts';

/** How the machines' processor is run. */
export type Accelerator = 'kvm' | 'qemu';

/** A disk as QEMU sees it: a volume in the lab's pool. */
export interface DiskVolume {
  readonly serial: string;
  readonly path: string;
  readonly size: number;
  readonly bus: 'nvme' | 'virtio';
}

export interface VagrantfileInputs {
  readonly settings: LabSettings;
  readonly network: LabNetwork;
  readonly machines: readonly (Omit<LabMachine, 'disks'> & {
    readonly disks: readonly DiskVolume[];
  })[];
  readonly accelerator: Accelerator;
  readonly box: string;
  readonly publicKey: string;
  /** Folder of the lab's storage pool. */
  readonly pool: string;
  /** Kernel and initrd for a direct boot; absent for a box with its own boot loader. */
  readonly boot?: { readonly kernel: string; readonly initrd: string } | undefined;
  readonly mtu: number;
  /** How every machine gets the disk with the bundle; left out where there is none. */
  readonly seed?: 'disk' | 'cdrom' | undefined;
}

/** A Ruby string literal; single quotes know only two escapes. */
export function ruby(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", String.raw`\'`)}'`;
}

/** The id of an NVMe controller in QEMU, from its serial number. */
export function nvmeId(serial: string): string {
  return `nvme-${serial.replaceAll(/[^A-Za-z0-9._-]/g, '-')}`;
}

/**
 * What `-device` or `device_add` take for a machine's NVMe disk number `index`. The slots from 16 on
 * are never used by libvirt for the few devices of a lab machine.
 */
export function nvmeDevice(serial: string, index: number): string {
  const slot = `0x${(16 + index).toString(16)}`;
  return `nvme,id=${nvmeId(serial)},serial=${serial},drive=drive-${nvmeId(serial)},bus=pci.0,addr=${slot}`;
}

/**
 * An emulated machine's disks leave flushing to this computer's own pace: what is lost when this
 * computer loses its power is a lab, and an API server waits for every fsync of its etcd.
 */
function flushless(accelerator: Accelerator): boolean {
  return accelerator === 'qemu';
}

function disk(volume: DiskVolume, index: number, accelerator: Accelerator): string[] {
  const lax = flushless(accelerator);
  if (volume.bus === 'virtio') {
    const device = `vd${'bcdefghijklmnop'[index]}`;
    return [
      `libvirt.storage :file, bus: 'virtio', type: 'qcow2', device: '${device}', ` +
        `size: '${volume.size}G', serial: ${ruby(volume.serial)}${lax ? ", cache: 'unsafe'" : ''}`,
    ];
  }
  const node = `drive-${nvmeId(volume.serial)}`;
  const blockdev =
    `driver=qcow2,node-name=${node},discard=unmap,${lax ? 'cache.no-flush=on,' : ''}` +
    `file.driver=file,file.filename=${volume.path.replaceAll(',', ',,')}`;
  return [
    "libvirt.qemuargs value: '-blockdev'",
    `libvirt.qemuargs value: ${ruby(blockdev)}`,
    "libvirt.qemuargs value: '-device'",
    `libvirt.qemuargs value: ${ruby(nvmeDevice(volume.serial, index))}`,
  ];
}

/** Name of the volume with the bundle: one for ever, since machines keep the paths of their disks. */
export const seedVolume = 'seed.img';

/** Node and device of QEMU for it. The slot is one that neither libvirt nor NVMe disks use. */
export const seedNode = 'drive-seed';
export const seedDevice = {
  driver: 'virtio-blk-pci',
  id: 'seed',
  drive: seedNode,
  bus: 'pci.0',
  addr: '0x1e',
} as const;

function seedLines({ seed, pool }: VagrantfileInputs): string[] {
  const path = `${pool}/${seedVolume}`;
  if (seed === undefined) return [];
  if (seed === 'cdrom') return [`libvirt.storage :file, device: :cdrom, path: ${ruby(path)}`];
  const { driver, ...properties } = seedDevice;
  const pairs = Object.entries(properties).map(([key, value]) => `${key}=${value}`);
  return [
    '-blockdev',
    `driver=raw,node-name=${seedNode},read-only=on,file.driver=file,file.filename=${path}`,
    '-device',
    [driver, ...pairs].join(','),
  ].map((each) => `libvirt.qemuargs value: ${ruby(each)}`);
}

/**
 * The kernel's command line of the directly booted box. Emulated processors do not say that their
 * time stamp counters run together, and the kernel then reads the time from the HPET: a system call
 * and an emulated device for each look at the clock, half of the time that Kubernetes takes.
 * `tsc=reliable` (kernel-parameters.txt) says it: QEMU gives all of them this computer's counter.
 * `highres=off`: setting the timer is an emulated device too, a tenth of all time; programs in Go
 * sleep for microseconds thousands of times a second.
 * `norandmaps`: QEMU keeps what it translated by virtual address, so that a program that lies elsewhere
 * each time it is started is translated each time, its libraries too: five times as long for `stat`.
 */
function kernelCommandLine(accelerator: Accelerator): string {
  const emulated =
    accelerator === 'qemu' ? ' mitigations=off no5lvl tsc=reliable highres=off norandmaps' : '';
  return `root=/dev/vda rw console=ttyS0 quiet net.ifnames=0 TERM=dumb${emulated}`;
}

/**
 * The processor of the machines. Emulated, the newest instructions are the slowest ones: QEMU takes
 * those of AVX and SHA apart one element at a time, and programs choose them where they are there.
 * Westmere has AES, and nothing after SSE 4.2: `sha256sum` takes half of the time, and so does a
 * file that comes by SSH; Go starts a tenth faster.
 */
function processor(accelerator: Accelerator): string[] {
  return accelerator === 'kvm'
    ? ["libvirt.cpu_mode = 'host-passthrough'"]
    : ["libvirt.cpu_mode = 'custom'", "libvirt.cpu_model = 'Westmere'"];
}

/**
 * The lab as a Vagrantfile. It is complete: `vagrant ssh`, `vagrant halt` and the rest work in its
 * folder as with any other.
 */
export function vagrantfile(inputs: VagrantfileInputs): string {
  const { settings, accelerator, boot, network, pool } = inputs;
  const provider = [
    "libvirt.uri = 'qemu:///system'",
    `libvirt.driver = '${accelerator}'`,
    ...processor(accelerator),
    `libvirt.default_prefix = '${labName}-'`,
    `libvirt.storage_pool_name = '${labName}'`,
    `libvirt.management_network_name = '${labName}'`,
    `libvirt.management_network_address = '${network.cidr}'`,
    'libvirt.management_network_keep = true',
    `libvirt.management_network_mtu = ${inputs.mtu}`,
    `libvirt.cpus = ${settings.cpus}`,
    `libvirt.memory = ${settings.memory}`,
    "libvirt.machine_type = 'pc'",
    "libvirt.graphics_type = 'none'",
    'libvirt.memballoon_enabled = false',
    "libvirt.random model: 'random'",
    ...(flushless(accelerator) ? ["libvirt.disk_driver cache: 'unsafe'"] : []),
  ];
  if (boot === undefined) provider.push(`libvirt.machine_virtual_size = ${settings.disk}`);
  else {
    provider.push(
      `libvirt.kernel = ${ruby(boot.kernel)}`,
      `libvirt.initrd = ${ruby(boot.initrd)}`,
      `libvirt.cmd_line = ${ruby(kernelCommandLine(accelerator))}`,
    );
  }
  const lines = [
    '# Written by `bootstrap lab up` from the inventory; changes made here are lost at the next one.',
    '# Vagrant works in this folder as usual: vagrant status, vagrant ssh NAME, vagrant halt.',
    "Vagrant.configure('2') do |config|",
    `  config.vm.box = ${ruby(inputs.box)}`,
    '  config.vm.box_check_update = false',
    '  config.vm.boot_timeout = 900',
    "  config.vm.synced_folder '.', '/vagrant', disabled: true",
    '  config.ssh.insert_key = false',
    "  config.ssh.username = 'vagrant'",
  ];
  if (boot === undefined) {
    const key = inputs.publicKey.trim();
    lines.push(
      "  config.ssh.private_key_path = [File.join(__dir__, 'id_ed25519'), '~/.vagrant.d/insecure_private_key']",
      `  config.vm.provision 'shell', inline: ${ruby(authorize)}, args: [${ruby(key)}]`,
    );
  } else lines.push("  config.ssh.private_key_path = File.join(__dir__, 'id_ed25519')");
  lines.push('', '  config.vm.provider :libvirt do |libvirt|');
  lines.push(...provider.map((line) => `    ${line}`), '  end');
  for (const machine of inputs.machines) {
    const own = [
      `libvirt.management_network_mac = '${hardwareAddress(machine.address)}'`,
      `libvirt.serial type: 'file', source: { path: ${ruby(`${pool}/${machine.name}.console`)} }`,
      ...(machine.cpus === undefined ? [] : [`libvirt.cpus = ${machine.cpus}`]),
      ...(machine.memory === undefined ? [] : [`libvirt.memory = ${machine.memory}`]),
      ...machine.disks.flatMap((volume, index) => disk(volume, index, accelerator)),
      ...seedLines(inputs),
    ];
    lines.push(
      '',
      `  config.vm.define ${ruby(machine.name)} do |machine|`,
      ...(boot === undefined ? [`    machine.vm.hostname = ${ruby(machine.name)}`] : []),
      '    machine.vm.provider :libvirt do |libvirt|',
      ...own.map((line) => `      ${line}`),
      '    end',
      '  end',
    );
  }
  lines.push('end', '');
  return lines.join('\n');
}

/** Run in a box of the user's own, so that the lab's key opens it. */
const authorize =
  'install -d -m 700 -o vagrant -g vagrant /home/vagrant/.ssh && ' +
  'f=/home/vagrant/.ssh/authorized_keys && touch "$f" && ' +
  '{ grep -qxF "$1" "$f" || printf "%s\\n" "$1" >> "$f"; } && chown vagrant:vagrant "$f" && chmod 600 "$f"';
