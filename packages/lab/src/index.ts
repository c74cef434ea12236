export type { AptOrigin } from './box/apt-origin.ts';
export { hostOrigin } from './box/host-origin.ts';
export type { Lab, LabOptions, LabStatus, MachineStatus } from './contract.ts';
export { createLab } from './lab.ts';
export type { MachineState } from './machines.ts';
export type { LabEvent } from './progress.ts';
export type { Requirement, Requirements } from './requirements.ts';
export type { LabDisk, LabMachine, LabSettings } from './settings.ts';
export type { Accelerator } from './vagrantfile.ts';
