import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'vitest';
import { parse, stringify } from 'yaml';
import {
  beside,
  bootstrap,
  bootstrapWithin,
  events,
  lookAtLab,
  output,
  root,
  type Ended,
} from '../machines.ts';

/** Where the inventories of these tests lie, and the state of their lab beside them. */
const folder = '.skerry/tests';

/** What a test file changes in an inventory of the lab. */
export interface Written {
  cluster: Record<string, unknown>;
  groups: Record<string, { hosts: Record<string, Record<string, unknown>> }>;
  kubernetes: {
    network: Record<string, unknown>;
    loadBalancer?: Record<string, unknown>;
    policies?: Record<string, unknown>;
    [key: string]: unknown;
  };
  lab: { machines: Record<string, unknown>; bundle: { make: string }; [key: string]: unknown };
}

/** Writes an inventory of the lab with changes, and gives the path of what it wrote. */
export function inventoryWith(
  name: string,
  change: (inventory: Written) => void,
  base = 'lab-kubernetes.yaml',
): string {
  const inventory = parse(readFileSync(resolve(root, 'inventory', base), 'utf8')) as Written;
  inventory.lab.bundle.make = resolve(root, 'inventory', inventory.lab.bundle.make);
  change(inventory);
  const path = resolve(root, folder, 'inventory', `${name}.yaml`);
  mkdirSync(resolve(path, '..'), { recursive: true });
  writeFileSync(path, stringify(inventory));
  const hosts = Object.values(inventory.groups).flatMap((group) => Object.entries(group.hosts));
  lookAtLab(
    `${folder}/.skerry/lab`,
    Object.fromEntries(hosts.map(([host, { address }]) => [host, String(address)])),
  );
  return path;
}

/** A test that only `npm run test:vms -- --long` runs. */
export const long: ReturnType<typeof test.skipIf> = test.skipIf(
  process.env['SKERRY_LONG'] === undefined,
);

/**
 * kubectl as the administrator, on a control plane; what it prints. A question that an emulated API server
 * had no time for is asked again, twice.
 */
export async function kubectl(command: string, machine = 'lab-1'): Promise<string> {
  const script = `KUBECONFIG=/etc/kubernetes/admin.conf kubectl ${command}`;
  for (let left = /^(get|wait) /.test(command) ? 2 : 0; ; left -= 1) {
    try {
      return await output(machine, script);
    } catch (error) {
      if (left === 0 || !String(error).includes('Error from server (Timeout)')) throw error;
    }
  }
}

/** Of what a failed apply said. */
const linesShown = 60;

/** Applies an inventory, within some minutes; fails with what was said last unless all went well. */
export async function apply(inventory: string, minutes = 24): Promise<Ended> {
  const ended = await bootstrapWithin(minutes, 'apply', inventory, '--yes');
  if (ended.code !== 0) {
    const said = `${ended.stdout}\n${ended.stderr}`.trimEnd().split('\n');
    throw new Error(`apply ended with ${ended.code}\n${said.slice(-linesShown).join('\n')}`);
  }
  console.log(ended.stdout);
  return ended;
}

interface Recap {
  host: string;
  outcome: string;
  execs: number;
  /** How many times kubectl was called. */
  apiCalls?: number;
  changed: number;
}

/** The recap of a run with --json, by host. */
export function recapOf(ended: Ended): Map<string, Recap> {
  const finished = events(ended).find(({ type }) => type === 'run-finished');
  const hosts = (finished?.['hosts'] ?? []) as Recap[];
  return new Map(hosts.map((recap) => [recap.host, recap]));
}

/** What the logs of all runs of these tests hold. */
export function runLogs(): string[] {
  const logs = resolve(root, folder, '.skerry/logs');
  return readdirSync(logs).map((name) => readFileSync(resolve(logs, name), 'utf8'));
}

interface Plan {
  hosts: { host: string; plays: { steps: PlannedStep[] }[] }[];
}

interface PlannedStep {
  id: string;
  confidence: { level: string; on?: string[] };
  changes: { subject: string; diff?: string }[];
}

/** What a plan with --json says of a host: the steps that change something, and all that they show. */
export function plannedSteps(
  ended: Ended,
  host: string,
): { id: string; confidence: PlannedStep['confidence']; text: string }[] {
  const told = events(ended).find(({ type }) => type === 'plan')?.['plan'] as Plan | undefined;
  const plays = told?.hosts.find((one) => one.host === host)?.plays ?? [];
  return plays.flatMap(({ steps }) =>
    steps.map(({ id, confidence, changes }) => {
      const text = changes.map(({ subject, diff = '' }) => `${subject}\n${diff}`).join('\n');
      return { id, confidence, text };
    }),
  );
}

/** A page by HTTP from outside of the cluster, within some seconds; '' where nothing answers. */
export async function pageFromOutside(url: string, seconds = 20): Promise<string> {
  const { stdout } = await beside('curl', '-s', '--max-time', String(seconds), url);
  return stdout;
}

/** Takes the lab of an inventory away. */
export async function destroy(inventory: string): Promise<void> {
  if (process.env['SKERRY_KEEP_LAB'] !== undefined) return;
  const { code, stderr } = await bootstrap('lab', 'destroy', inventory, '--yes');
  if (code !== 0) throw new Error(`lab destroy ended with ${code}: ${stderr}`);
}
