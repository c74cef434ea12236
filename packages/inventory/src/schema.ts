import { z } from 'zod';
import {
  absolutePath,
  diskSerial,
  hostKey,
  jumpHost,
  labelKey,
  labelValue,
  moduleName,
  network,
  secretReference,
  serverName,
  sysctlKey,
  sysctlValue,
  word,
} from './formats.ts';

export { secretReference };

/** How hosts are reached; every key may stand on cluster, group and host. */
export const connectionSettings = z
  .strictObject({
    transport: z
      .enum(['ssh', 'local'])
      .default('ssh')
      .describe('ssh, or local for the machine that bootstrap runs on'),
    user: word(
      'The user to log in as; default: what ssh_config says, then the user who runs',
    ).optional(),
    port: z.int().min(1).max(65535).optional().describe('The port of sshd; default 22'),
    key: z
      .union([z.string(), z.array(z.string())])
      .optional()
      .describe('Private key files, tried in order. Relative to the folder of this file'),
    passphrase: secretReference.optional().describe('A reference to the passphrase of the keys'),
    password: secretReference.optional().describe('A reference to the password of the user'),
    agent: z.boolean().default(true).describe('Ask the ssh-agent for keys'),
    jump: z
      .array(jumpHost)
      .default([])
      .describe('Jump hosts: [user@]address[:port], first hop first'),
    hostKeys: z
      .union([
        z.enum(['strict', 'accept-new']),
        z.strictObject({ pinned: z.array(hostKey).min(1).describe('Keys that the host may show') }),
      ])
      .default('strict')
      .describe(
        'strict: the key must be known. accept-new: an unknown key is stored. Or pinned keys',
      ),
    knownHosts: z
      .array(z.string())
      .optional()
      .describe('known_hosts files, the first is written to. Relative to the folder of this file'),
    sudo: z
      .union([
        z.boolean(),
        z.strictObject({
          password: z
            .union([z.literal('ask'), secretReference])
            .describe('ask once before anything starts, or a reference to the password'),
        }),
      ])
      .default(true)
      .describe(
        'true: sudo without password. false: no sudo, so that plays run as root only where the user is root',
      ),
    timeout: z
      .number()
      .positive()
      .default(15)
      .describe('Seconds for connecting and authenticating'),
    sshConfig: z
      .union([z.string(), z.literal(false)])
      .optional()
      .describe('An ssh_config file instead of your own; false for none'),
  })
  .meta({ id: 'connection', description: 'How the hosts are reached' });
export type ConnectionSettings = z.infer<typeof connectionSettings>;

const disk = z
  .strictObject({
    serial: diskSerial.optional(),
    id: word('A name below /dev/disk/by-id').optional(),
    filesystem: z.enum(['ext4', 'xfs']).default('ext4').describe('The filesystem on it'),
    label: z
      .string()
      .max(16)
      .optional()
      .describe('The label of the filesystem: 16 characters, 12 for xfs'),
    mount: absolutePath('Where it is mounted'),
    options: z
      .array(word('A mount option'))
      .default(['defaults', 'noatime'])
      .describe('Mount options, as in fstab(5)'),
    scheduler: word('The scheduler of its queue').default('none'),
  })
  .refine((value) => (value.serial === undefined) !== (value.id === undefined), {
    error: 'must be named by "serial" or by "id", and by one of the two only',
    params: {
      code: 'invalid-disk',
      why: 'names like /dev/nvme0n1 change from boot to boot',
      fix: 'lsblk -o NAME,SERIAL shows serial numbers; ls /dev/disk/by-id shows ids',
    },
  });

/** What a machine is to be, below Kubernetes; every key may stand on cluster, group and host. */
export const nodeSettings = z
  .strictObject({
    swap: z.boolean().default(false).describe('Leave swap as it is; false turns it off for good'),
    modules: z
      .array(moduleName)
      .default([])
      .describe('Kernel modules beside those that Kubernetes needs'),
    sysctl: z
      .record(sysctlKey, sysctlValue)
      .default({})
      .describe('Kernel parameters beside those that Kubernetes needs, or other values for them'),
    timeServers: z.array(serverName).default([]).describe('NTP servers'),
    clock: z
      .enum(['synchronized', 'unchecked'])
      .default('synchronized')
      .describe('Whether a host whose clock is not synchronized is refused'),
    kernelArguments: z
      .array(word('A kernel argument'))
      .default([])
      .describe('Arguments on the kernel command line; they need a reboot'),
    packages: z.array(word('A package')).default([]).describe('Packages to install besides'),
    hostname: z.boolean().default(true).describe('Set the hostname to the name in the inventory'),
    hostsEntries: z
      .boolean()
      .default(true)
      .describe(
        'Write names to /etc/hosts: of control planes and its own; without Kubernetes of every host',
      ),
    reboot: z
      .enum(['never', 'when-required'])
      .default('never')
      .describe('Whether a host may be rebooted when a change asks for it'),
    disks: z.array(disk).default([]).describe('Disks with a filesystem each'),
    wipe: z
      .array(diskSerial)
      .default([])
      .describe('Serial numbers of disks that may be formatted although they hold something'),
    etcdDisk: z
      .strictObject({
        path: absolutePath('A folder on the disk').default('/var/lib/etcd'),
        fsyncP99: z.number().positive().default(10).describe('Milliseconds'),
        size: z
          .int()
          .min(3)
          .default(22)
          .describe('MiB that fio writes to measure it, 2300 bytes and one fdatasync at a time'),
      })
      .optional()
      .describe('Refuse the host when fsync p99 on this path is above the limit'),
    containerd: z
      .strictObject({
        package: word(
          'The package; left out: containerd, or containerd.io on RHEL-like systems',
        ).optional(),
        pauseImage: word(
          'The image of the pause container; left out: the one that kubeadm of this version of Kubernetes names',
        ).optional(),
        mirrors: z
          .record(word('A registry, like docker.io'), z.array(word('A URL of a mirror')))
          .default({})
          .describe('Mirrors of each registry, tried in order before the registry itself'),
      })
      .prefault({})
      .describe('The container runtime'),
    labels: z.record(labelKey, labelValue).default({}).describe('Labels of the Kubernetes node'),
    taints: z
      .array(
        z.strictObject({
          key: labelKey,
          value: labelValue.default(''),
          effect: z
            .enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute'])
            .describe('What becomes of pods that do not tolerate it'),
        }),
      )
      .default([])
      .describe('Taints of the Kubernetes node, beside that of a control plane'),
  })
  .meta({ id: 'node', description: 'What the machines are to be, below Kubernetes' });
export type NodeSettings = z.infer<typeof nodeSettings>;

/** Machines that Skerry makes itself, for trying out and for tests. */
export const labSettings = z
  .strictObject({
    cpus: z.int().min(1).default(2).describe('Processors of each machine'),
    memory: z.int().min(512).default(2048).describe('MiB for each machine'),
    disk: z.int().min(4).default(10).describe('GiB for each machine'),
    network: network.default('192.168.121.0/24').describe('The network of the machines'),
    box: z
      .string()
      .optional()
      .describe('A Vagrant box of your own; otherwise one is built from Debian'),
    debian: z
      .enum(['bookworm', 'trixie'])
      .default('trixie')
      .describe('The Debian of the box: bookworm is 12, trixie is 13'),
    bundle: z
      .strictObject({
        make: z
          .string()
          .min(1)
          .describe(
            'A script for Node that makes the bundle: it gets the path of this file (and --yes where the command got that) and prints the folder in its last line. Relative to the folder of this file',
          ),
      })
      .optional()
      .describe('Where the parts of Kubernetes come from, in the lab'),
    packages: z
      .array(word('A package'))
      .default([])
      .describe('Debian packages built into the box: nothing to install in slow machines'),
    machines: z
      .record(
        z.string(),
        z.strictObject({
          cpus: z
            .int()
            .min(1)
            .optional()
            .describe('Processors of this machine; left out: what all have'),
          memory: z
            .int()
            .min(512)
            .optional()
            .describe('MiB for this machine; left out: what all have'),
          disks: z
            .array(
              z.strictObject({
                serial: diskSerial,
                size: z.int().min(1).default(2).describe('GiB'),
                bus: z.enum(['nvme', 'virtio']).default('nvme').describe('How it is attached'),
              }),
            )
            .default([])
            .describe('Disks beside the one it starts from'),
        }),
      )
      .default({})
      .describe('By host name: processors and memory of its own, extra disks'),
  })
  .meta({
    id: 'lab',
    description: 'Virtual machines that `bootstrap lab up` makes for this inventory',
  });
export type LabSettings = z.infer<typeof labSettings>;
