import { command, type CommandOptions, type CommandResult } from './command.ts';

/** One virsh command on this computer's system libvirt. */
export async function virsh(
  argv: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return await command(['virsh', '-q', '-c', 'qemu:///system', ...argv], options);
}

/** The names that a virsh listing with `--name` gives. */
export async function virshNames(argv: readonly string[]): Promise<string[]> {
  const { stdout } = await virsh([...argv, '--name']);
  return stdout.split('\n').filter((name) => name.trim() !== '');
}

/** One QEMU monitor command in its human form, as QEMU's documentation names them. */
export async function monitor(
  domain: string,
  text: string,
  options: CommandOptions = {},
): Promise<string> {
  const { stdout } = await virsh(['qemu-monitor-command', domain, '--hmp', text], options);
  return stdout.replaceAll('\r', '').trim();
}

/** One QMP command; what it returns. */
export async function qmp(
  domain: string,
  execute: string,
  parameters: Readonly<Record<string, unknown>> = {},
): Promise<unknown> {
  const request = JSON.stringify({ execute, arguments: parameters });
  const { stdout } = await virsh(['qemu-monitor-command', domain, request]);
  return (JSON.parse(stdout) as { return: unknown }).return;
}
