import type { DebianRelease } from './box/script.ts';

/** An extra disk of a machine, seen in it under this serial number. */
export interface LabDisk {
  readonly serial: string;
  /** GiB. */
  readonly size: number;
  readonly bus: 'nvme' | 'virtio';
}

export interface LabMachine {
  readonly name: string;
  /** An IPv4 address within the lab's network. */
  readonly address: string;
  readonly disks: readonly LabDisk[];
}

export interface LabSettings {
  readonly cpus: number;
  /** MiB for each machine. */
  readonly memory: number;
  /** GiB for each machine's root disk. */
  readonly disk: number;
  /** IPv4 network in CIDR notation; its first address is the gateway. */
  readonly network: string;
  /** A Vagrant box of the user's own; otherwise one is built from Debian. */
  readonly box?: string | undefined;
  readonly debian: DebianRelease;
}

/** Names that the lab gives to what it makes; nothing with another name is ever touched. */
export const labName = 'skerry-lab';
