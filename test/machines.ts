import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { createLab } from '@skerry/lab';

export const root = resolve(import.meta.dirname, '..');
export const inventory = 'inventory/lab.yaml';

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function end(
  argv: readonly string[],
  input = '',
  env: NodeJS.ProcessEnv = {},
  signal?: AbortSignal,
): Promise<Ended> {
  const [program = '', ...args] = argv;
  return new Promise((done, fail) => {
    const child = spawn(program, args, { cwd: root, env: { ...process.env, ...env } });
    signal?.addEventListener('abort', () => child.kill('SIGTERM'));
    const out = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (out.stderr += text));
    child.once('error', fail);
    child.once('close', (code) => done({ code: code ?? 255, ...out }));
    child.stdin.end(input);
  });
}

const plain = { CI: 'true', NO_COLOR: '1' };

/** Runs the command that users run. */
export function bootstrap(...args: readonly string[]): Promise<Ended> {
  return end([...machines.user, resolve(root, 'bootstrap'), ...args], '', plain);
}

/**
 * Runs the command that users run, and stops it like a Ctrl-C after some minutes: it tells then what it
 * waited for, which a test that just times out does not.
 */
export function bootstrapWithin(minutes: number, ...args: readonly string[]): Promise<Ended> {
  const signal = AbortSignal.timeout(minutes * 60_000);
  return end([...machines.user, resolve(root, 'bootstrap'), ...args], '', plain, signal);
}

/** Machines that tests look at. */
export interface Machines {
  /** The words that run a program beside them. */
  enter(): Promise<readonly string[]>;
  /** The words of the OpenSSH client that reach one of them; its target is the last. */
  sshCommand(machine: string): Promise<readonly string[]>;
  /** Takes the power from one: nothing in it hears of it. */
  cutPower(machine: string): Promise<void>;
  /** The words before a command that a user types who can reach them. */
  readonly user: readonly string[];
}

/** Those of inventory/lab.yaml until told otherwise. */
let machines = labIn('.skerry/lab', { 'lab-1': '192.168.121.11', 'lab-2': '192.168.121.12' });

function labIn(folder: string, addresses: Readonly<Record<string, string>>): Machines {
  const lab = createLab({
    folder: resolve(root, folder),
    settings: { cpus: 2, memory: 1536, disk: 10, network: '192.168.121.0/24', debian: 'trixie' },
    machines: Object.entries(addresses).map(([name, address]) => ({ name, address, disks: [] })),
  });
  return {
    enter: () => lab.enter(),
    sshCommand: (machine) => lab.sshCommand(machine),
    cutPower: async (machine) => {
      const virsh = ['virsh', '-q', '-c', 'qemu:///system', 'destroy', `skerry-lab-${machine}`];
      const { code, stderr } = await beside(...virsh);
      if (code !== 0) throw new Error(`${machine} still runs: ${stderr}`);
    },
    // A command finds the network of its lab by itself.
    user: [],
  };
}

/** From now on `on` and `output` look at the machines of another lab. */
export function lookAtLab(folder: string, addresses: Readonly<Record<string, string>>): void {
  machines = labIn(folder, addresses);
}

/** From now on all here is done with these machines. */
export function lookAt(others: Machines): void {
  machines = others;
}

/** Runs a program beside the machines, outside of any cluster: where their users are. */
export async function beside(...argv: readonly string[]): Promise<Ended> {
  return end(await wordsBeside(...argv));
}

/** The words that run a program beside the machines. */
export async function wordsBeside(...argv: readonly string[]): Promise<readonly string[]> {
  return [...(await machines.enter()), ...argv];
}

/** Takes the power from a machine: nothing in it hears of it. */
export async function cutPower(machine: string): Promise<void> {
  await machines.cutPower(machine);
}

/** Runs a script as root on a machine through the OpenSSH client: what tests look with. */
export async function on(machine: string, script: string): Promise<Ended> {
  const [target = '', ...ssh] = (await machines.sshCommand(machine)).toReversed();
  // A machine that goes down under a connection says nothing: ask whether it is still there.
  const alive = ['-o', 'ServerAliveInterval=5', '-o', 'ServerAliveCountMax=6'];
  return end([...ssh.toReversed(), ...alive, target, 'sudo -n sh -s'], script);
}

/** What a script prints, without its last newline; a script that fails fails the test. */
export async function output(machine: string, script: string): Promise<string> {
  const { code, stdout, stderr } = await on(machine, script);
  if (code !== 0) throw new Error(`on ${machine}, status ${code}: ${script}\n${stdout}${stderr}`);
  return stdout.trimEnd();
}

/** What several scripts print, asked over one connection: each connection to an emulated machine costs seconds. */
export async function outputs<Name extends string>(
  machine: string,
  scripts: Readonly<Record<Name, string>>,
): Promise<Record<Name, string>> {
  const names = Object.keys(scripts) as Name[];
  const asked = names.map((name) => `echo '=== ${name}'\n(${scripts[name]}\n) || echo "status $?"`);
  const text = await output(machine, asked.join('\n'));
  const parts = `\n${text}\n`.split(/\n=== /).slice(1);
  const answers = parts.map((part) => part.replace(/^.*(\n|$)/, '').trimEnd());
  return Object.fromEntries(names.map((name, index) => [name, answers[index] ?? ''])) as Record<
    Name,
    string
  >;
}

/** Exec channels that the machine's own sshd started while `work` ran, ours to look not counted. */
export async function execsDuring(machine: string, work: () => Promise<void>): Promise<number> {
  const count = "journalctl -u ssh -o cat | grep -c '^Starting session:' || :";
  const before = Number(await output(machine, count));
  await work();
  return Number(await output(machine, count)) - before - 1;
}

/** The event lines of a run with --json. */
export function events(ended: Ended): { type: string; [key: string]: unknown }[] {
  return ended.stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { type: string });
}
