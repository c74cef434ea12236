import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { DiagnosticError } from '@skerry/diagnostics';
import { command } from './command.ts';
import type { LabMachine } from './settings.ts';

/** The lines of `ssh-keyscan`'s output that are keys, sorted; its comments are left out. */
export function parseKeyscan(stdout: string): string[] {
  return stdout
    .split('\n')
    .filter((line) => /^\S+ (?:ssh-ed25519|ecdsa-sha2-nistp\d+|ssh-rsa) \S+$/.test(line))
    .toSorted();
}

/**
 * The machines' host keys, asked for within the network that the lab just made: nobody else can
 * answer there. Waits ten minutes for machines that still boot.
 *
 * @throws DiagnosticError `lab-host-keys`
 */
export async function waitForHostKeys(
  addresses: readonly string[],
  enter: readonly string[],
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const until = Date.now() + 600_000;
  let silent: readonly string[] = addresses;
  const waiting = () => Date.now() < until && signal?.aborted !== true;
  while (waiting()) {
    const argv = [...enter, 'ssh-keyscan', '-T', '20', '-t', 'ed25519,ecdsa,rsa', ...addresses];
    const lines = parseKeyscan((await command(argv, { accept: 'any', signal })).stdout);
    const known = knownAddresses(lines.join('\n'));
    silent = addresses.filter((address) => !known.has(address));
    if (silent.length === 0) return lines;
    await sleep(1000);
  }
  throw new DiagnosticError({
    code: 'lab-host-keys',
    severity: 'error',
    what: `no SSH server answers at ${silent.join(', ')}`,
    why: 'the machines were started and waited for',
    fix: 'see their consoles in /var/lib/libvirt/images/skerry-lab/; `bootstrap lab up` tries again',
  });
}

/** The hosts that a known_hosts file written by the lab names. */
export function knownAddresses(text: string): Set<string> {
  return new Set(
    text
      .split('\n')
      .map((line) => line.split(' ')[0] ?? '')
      .filter((name) => name !== ''),
  );
}

/** Removes the keys of machines that do not exist any more from a known_hosts file. */
export async function forgetHostKeys(file: string, machines: readonly LabMachine[]): Promise<void> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return;
  const gone = new Set(machines.map((machine) => machine.address));
  const kept = text
    .split('\n')
    .filter((line) => line !== '' && !gone.has(line.split(' ')[0] ?? ''));
  await writeFile(file, kept.map((line) => `${line}\n`).join(''));
}
