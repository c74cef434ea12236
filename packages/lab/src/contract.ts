import type { MachineState } from './machines.ts';
import type { LabEvent } from './progress.ts';
import type { Requirements } from './requirements.ts';
import type { LabMachine, LabSettings } from './settings.ts';
import type { Accelerator } from './vagrantfile.ts';

export interface LabOptions {
  /** Where the lab keeps its files, usually `.skerry/lab`. */
  readonly folder: string;
  readonly machines: readonly LabMachine[];
  readonly settings: LabSettings;
  /**
   * Gives the folder of the bundle whose parts the machines get on a disk, read-only, at
   * /var/lib/skerry/seed; undefined for none. Asked at most once for each `up`.
   */
  readonly bundle?: () => Promise<string | undefined>;
  readonly onEvent?: (event: LabEvent) => void;
  /** Asked once before packages are installed; without it, nothing is installed. */
  readonly confirm?: (question: string) => Promise<boolean>;
  readonly signal?: AbortSignal;
}

export interface MachineStatus {
  readonly name: string;
  readonly address: string;
  readonly state: MachineState;
  /** Whether SSH lets the lab's key in. */
  readonly ssh: boolean;
}

export interface LabStatus {
  readonly accelerator: Accelerator;
  /** Whether the machines are only reachable from within the lab's network namespace. */
  readonly namespace: boolean;
  readonly machines: readonly MachineStatus[];
}

export interface Lab {
  /** What is missing on this computer, and the commands that install it. */
  requirements(): Promise<Requirements>;
  /** Installs what is missing, after consent. @throws DiagnosticError `lab-requirements` */
  install(): Promise<void>;
  /** Brings all machines up and returns when each answers SSH; does nothing for those that do. */
  up(): Promise<LabStatus>;
  status(): Promise<LabStatus>;
  /** Removes the machines and all else that the lab made; cached boxes and installed packages stay. */
  destroy(): Promise<void>;
  /** Words in front of a command that must reach the machines; none where they are reachable. */
  enter(): Promise<readonly string[]>;
  /** The ssh command for a machine; append a remote command if wanted. */
  sshCommand(machine: string): Promise<readonly string[]>;
  /** Takes a snapshot of all running machines. Nothing may be mounted from NVMe disks. */
  snapshot(name: string): Promise<void>;
  /** Puts all machines back to a snapshot and sets their clocks; returns when SSH answers. */
  restore(name: string): Promise<void>;
  /** Names of the snapshots that every machine has. */
  snapshots(): Promise<readonly string[]>;
}
