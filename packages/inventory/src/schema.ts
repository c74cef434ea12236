import { z } from 'zod';

/** `env:NAME`, `file:path` or `command:…`. */
export const secretReference = z
  .string()
  .regex(/^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+|command:.+)$/s)
  .describe('A reference to a secret: env:NAME, file:PATH or command:COMMAND');

/** How hosts are reached; every key may stand on cluster, group and host. */
export const connectionSettings = z.strictObject({
  transport: z.enum(['ssh', 'local']).default('ssh'),
  user: z.string().optional(),
  port: z.int().min(1).max(65535).optional(),
  key: z.union([z.string(), z.array(z.string())]).optional(),
  passphrase: secretReference.optional(),
  password: secretReference.optional(),
  agent: z.boolean().default(true),
  jump: z
    .array(z.string())
    .default([])
    .describe('Jump hosts: [user@]address[:port], first hop first'),
  hostKeys: z
    .union([
      z.enum(['strict', 'accept-new']),
      z.strictObject({ pinned: z.array(z.string()).min(1) }),
    ])
    .default('strict'),
  knownHosts: z.array(z.string()).optional(),
  sudo: z
    .union([
      z.boolean(),
      z.strictObject({ password: z.union([z.literal('ask'), secretReference]) }),
    ])
    .default(true),
  timeout: z.number().positive().default(15).describe('Seconds for connecting and authenticating'),
  sshConfig: z.union([z.string(), z.literal(false)]).optional(),
});
export type ConnectionSettings = z.infer<typeof connectionSettings>;

/** What a machine is to be, below Kubernetes; every key may stand on cluster, group and host. */
export const nodeSettings = z.strictObject({
  swap: z.boolean().default(false),
  modules: z
    .array(z.string())
    .default([])
    .describe('Kernel modules beside those that Kubernetes needs'),
  sysctl: z.record(z.string(), z.union([z.string(), z.number()])).default({}),
  timeServers: z.array(z.string()).default([]),
  kernelArguments: z.array(z.string()).default([]),
  packages: z.array(z.string()).default([]),
  hostname: z.boolean().default(true).describe('Set the hostname to the name in the inventory'),
  hostsEntries: z.boolean().default(true).describe('Write every host of the cluster to /etc/hosts'),
  reboot: z.enum(['never', 'when-required']).default('never'),
  disks: z
    .array(
      z.strictObject({
        serial: z.string().optional(),
        id: z.string().optional().describe('A name below /dev/disk/by-id'),
        filesystem: z.enum(['ext4', 'xfs']).default('ext4'),
        label: z.string().optional(),
        mount: z.string(),
        options: z.array(z.string()).default(['defaults', 'noatime']),
        scheduler: z.string().default('none'),
      }),
    )
    .default([]),
  wipe: z
    .array(z.string())
    .default([])
    .describe('Serial numbers of disks that may be formatted although they hold something'),
  etcdDisk: z
    .strictObject({
      path: z.string().default('/var/lib/etcd'),
      fsyncP99: z.number().positive().default(10).describe('Milliseconds'),
    })
    .optional()
    .describe('Refuse the host when fsync p99 on this path is above the limit'),
  containerd: z
    .strictObject({
      pauseImage: z.string().default('registry.k8s.io/pause:3.10.2'),
      mirrors: z.record(z.string(), z.array(z.string())).default({}),
    })
    .prefault({}),
});
export type NodeSettings = z.infer<typeof nodeSettings>;

/** Machines that Skerry makes itself, for trying out and for tests. */
export const labSettings = z.strictObject({
  cpus: z.int().min(1).default(2),
  memory: z.int().min(512).default(2048).describe('MiB for each machine'),
  disk: z.int().min(4).default(10).describe('GiB for each machine'),
  network: z.string().default('192.168.121.0/24'),
  box: z
    .string()
    .optional()
    .describe('A Vagrant box of your own; otherwise one is built from Debian'),
  debian: z.enum(['bookworm', 'trixie']).default('trixie'),
  machines: z
    .record(
      z.string(),
      z.strictObject({
        disks: z
          .array(
            z.strictObject({
              serial: z.string(),
              size: z.int().min(1).default(2),
              bus: z.enum(['nvme', 'virtio']).default('nvme'),
            }),
          )
          .default([]),
      }),
    )
    .default({})
    .describe('Extra disks by host name; sizes in GiB'),
});
export type LabSettings = z.infer<typeof labSettings>;
