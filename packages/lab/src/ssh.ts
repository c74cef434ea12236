import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DiagnosticError } from '@skerry/diagnostics';
import { command } from './command.ts';
import type { LabMachine } from './settings.ts';

/** The ssh command that reaches a machine, from outside of the lab's network too. */
export function sshArguments(
  folder: string,
  enter: readonly string[],
  machine: LabMachine,
): readonly string[] {
  const options = [
    `UserKnownHostsFile=${join(folder, 'known_hosts')}`,
    'GlobalKnownHostsFile=/dev/null',
    'StrictHostKeyChecking=yes',
    'IdentitiesOnly=yes',
    'ConnectTimeout=10',
    'LogLevel=ERROR',
  ];
  return [
    ...enter,
    'ssh',
    '-F',
    'none',
    '-i',
    join(folder, 'id_ed25519'),
    ...options.flatMap((option) => ['-o', option]),
    `vagrant@${machine.address}`,
  ];
}

/** Runs a command in a machine; undefined when SSH does not answer (its exit status is 255). */
export async function inMachine(
  ssh: readonly string[],
  remote: string,
  deadline = 30_000,
): Promise<string | undefined> {
  const [program = 'ssh', ...rest] = ssh;
  const target = rest.pop() as string;
  const argv = [program, ...rest, '-o', 'BatchMode=yes', target, remote];
  const { code, stdout } = await command(argv, { accept: 'any', deadline });
  return code === 0 ? stdout : undefined;
}

/**
 * Waits until a command succeeds in the machine, 5 minutes by default.
 *
 * @throws DiagnosticError `lab-ssh` at the deadline.
 */
export async function waitForMachine(
  ssh: readonly string[],
  machine: LabMachine,
  remote: string,
  options: { readonly signal?: AbortSignal | undefined; readonly deadline?: number } = {},
): Promise<string> {
  const { deadline = 300_000 } = options;
  const interrupted = () => options.signal?.aborted === true;
  const until = Date.now() + deadline;
  while (Date.now() < until && !interrupted()) {
    const said = await inMachine(ssh, remote);
    if (said !== undefined) return said;
    await sleep(300);
  }
  throw new DiagnosticError({
    code: 'lab-ssh',
    severity: 'error',
    what: `${machine.name} does not answer over SSH at ${machine.address}`,
    why: interrupted() ? 'interrupted' : `waited for ${deadline / 1000} seconds`,
    fix: `its console is in /var/lib/libvirt/images/skerry-lab/${machine.name}.console; try: ${ssh.join(' ')}`,
  });
}
