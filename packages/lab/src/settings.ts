import { DiagnosticError, type Diagnostic } from '@skerry/diagnostics';
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
  /** Where they are not what the settings say for all. */
  readonly cpus?: number | undefined;
  /** MiB, where it is not what the settings say for all. */
  readonly memory?: number | undefined;
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
  /** Debian packages in the box beside those that every machine has. */
  readonly packages?: readonly string[] | undefined;
}

/** Names that the lab gives to what it makes; nothing with another name is ever touched. */
export const labName = 'skerry-lab';

/**
 * Names and serial numbers become file names, host names and QEMU options, so they are plain words.
 * An NVMe serial number has at most 20 characters (NVM Express base specification, Identify
 * Controller).
 *
 * @throws DiagnosticError `lab-name` with all findings at once.
 */
export function checkNames(machines: readonly LabMachine[]): void {
  const findings: Diagnostic[] = [];
  const add = (what: string, fix: string) => {
    findings.push({ code: 'lab-name', severity: 'error', what, fix });
  };
  if (machines.length === 0) add('the lab has no machines', 'add hosts to the inventory');
  for (const { name, disks } of machines) {
    if (!/^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/.test(name)) {
      add(`"${name}" is no name for a lab machine`, 'use letters, digits and hyphens');
    }
    for (const { serial } of disks) {
      if (!/^[A-Za-z0-9._-]{1,20}$/.test(serial)) {
        add(
          `"${serial}" of ${name} is no serial number for a lab disk`,
          'use 1 to 20 letters, digits, dots, hyphens and underscores',
        );
      }
    }
  }
  const serials = machines.flatMap(({ disks }) => disks.map(({ serial }) => serial));
  for (const serial of new Set(serials.filter((each, index) => serials.indexOf(each) !== index))) {
    add(`two lab disks have the serial number "${serial}"`, 'give each its own');
  }
  if (findings.length > 0) throw new DiagnosticError(findings);
}
