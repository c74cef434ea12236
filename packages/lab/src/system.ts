import { readFile, rm } from 'node:fs/promises';
import { DiagnosticError } from '@skerry/diagnostics';
import { command, succeeds } from './command.ts';

/** Whether systemd runs here (sd_booted(3): this folder exists). */
export const systemdFolder = '/run/systemd/system';

/** A daemon that the lab started: its process id is in a file of the lab's. */
export interface OwnDaemon {
  readonly program: string;
  readonly pidFile: string;
}

/** The process that the file names, if it still is that program. */
export async function daemonProcess(daemon: OwnDaemon): Promise<number | undefined> {
  const text = await readFile(daemon.pidFile, 'utf8').catch(() => '');
  const pid = Number.parseInt(text, 10);
  if (!(pid > 1)) return undefined;
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  const program = commandLine.split('\0')[0] ?? '';
  return program.split('/').at(-1) === daemon.program ? pid : undefined;
}

/** Asks a daemon of the lab's to end and waits for it; after ten seconds it is killed. */
export async function stopDaemon(daemon: OwnDaemon): Promise<void> {
  const pid = await daemonProcess(daemon);
  if (pid !== undefined) {
    process.kill(pid, 'SIGTERM');
    for (let waited = 0; (await daemonProcess(daemon)) !== undefined; waited += 100) {
      if (waited === 10_000) process.kill(pid, 'SIGKILL');
      if (waited > 12_000) break;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  await rm(daemon.pidFile, { force: true });
}

/** Whether a libvirtd answers on this computer's system socket. */
export async function libvirtAnswers(): Promise<boolean> {
  return await succeeds(['virsh', '-q', '-c', 'qemu:///system', 'version'], { deadline: 10_000 });
}

export async function waitForLibvirt(signal: AbortSignal | undefined): Promise<void> {
  for (let waited = 0; waited < 60_000; waited += 300) {
    if (await libvirtAnswers()) return;
    if (signal?.aborted === true) return;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  const { stderr } = await command(['virsh', '-c', 'qemu:///system', 'version'], { accept: 'any' });
  throw new DiagnosticError({
    code: 'lab-libvirt',
    severity: 'error',
    what: 'libvirtd was started and does not answer',
    why: stderr.trim(),
    fix: 'look into /var/log/libvirt, or start it by hand: libvirtd -v',
  });
}

/**
 * Checks that libvirt answers, and says what to do when it does not.
 *
 * @throws DiagnosticError `lab-libvirt`
 */
export async function requireLibvirt(): Promise<void> {
  if (await libvirtAnswers()) return;
  const { stderr } = await command(['virsh', '-c', 'qemu:///system', 'version'], { accept: 'any' });
  const refused = /permission denied|authentication/i.test(stderr);
  throw new DiagnosticError({
    code: 'lab-libvirt',
    severity: 'error',
    what: refused ? 'libvirt does not let you in' : 'libvirt does not answer',
    why: stderr.trim(),
    fix: refused
      ? 'run: sudo usermod -aG libvirt "$USER", then log in again'
      : 'run: sudo systemctl enable --now libvirtd',
  });
}

/** The names of the security drivers in `virsh capabilities` that confine QEMU to known files. */
export function parseConfinement(capabilities: string): string[] {
  return [...capabilities.matchAll(/<secmodel>\s*<model>(apparmor|selinux)<\/model>/g)].map(
    (match) => match[1] as string,
  );
}

/** Whether libvirt keeps QEMU from files that its description of a machine does not list. */
export async function confinesQemu(): Promise<boolean> {
  const { stdout } = await command(['virsh', '-c', 'qemu:///system', 'capabilities']);
  return parseConfinement(stdout).length > 0;
}
