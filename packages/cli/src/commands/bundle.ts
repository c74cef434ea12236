import { join, resolve } from 'node:path';
import { createBundle, verifyBundle, type CreateEvent } from '@skerry/bundle';
import { ExitCode, formatDiagnostic } from '@skerry/diagnostics';
import type { Inventory } from '@skerry/inventory';
import { cachedFacts } from '@skerry/runbook';
import { installation } from '../installation.ts';
import { openInventory, stateFolder } from '../inventory-file.ts';
import { onInterrupt } from '../interrupt.ts';
import { demandSound } from '../sound-inventory.ts';
import type { OutputOptions } from '../options.ts';
import { Output, outputSettings } from '../output.ts';
import { counted } from '../render/host-names.ts';
import { mebibytes } from '../render/mebibytes.ts';

/** `bootstrap bundle verify`: every artifact of a bundle against its index; 1 where one cannot be used. */
export async function verify(folder: string, options: OutputOptions): Promise<ExitCode> {
  const output = new Output(outputSettings(options));
  const { index, findings, bytes } = await verifyBundle(folder);
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  const warnings = findings.length - errors;
  const exitCode = errors > 0 ? ExitCode.error : ExitCode.done;
  const artifacts = index.artifacts.length;
  if (output.settings.json) {
    const type = 'bundle-verified';
    output.json({ type, folder, artifacts, bytes, errors, warnings, findings });
    return exitCode;
  }
  for (const finding of findings) {
    output.print(`${formatDiagnostic(output.shown(finding), output.settings)}\n`);
  }
  const counts = [
    ...(errors > 0 ? [counted(errors, 'error')] : []),
    ...(warnings > 0 ? [counted(warnings, 'warning')] : []),
  ];
  const result = counts.length === 0 ? 'every digest is right' : counts.join(', ');
  output.print(`${counted(artifacts, 'artifact')}, ${mebibytes(bytes)} MiB: ${result}`);
  return exitCode;
}

export interface CreateCommandOptions extends OutputOptions {
  readonly out: string;
  readonly architecture?: readonly string[];
}

/** `bootstrap bundle create`: fetches what is missing of a bundle for an inventory. */
export async function create(path: string, options: CreateCommandOptions): Promise<ExitCode> {
  const output = new Output(outputSettings(options));
  using interrupt = onInterrupt((text) => output.complain(text));
  const { inventory } = await openInventory(path, undefined);
  demandSound(inventory, output);
  const folder = resolve(options.out);
  const architectures = options.architecture ?? (await architecturesOf(inventory));
  const { index, fetched } = await createBundle(inventory, {
    folder,
    architectures,
    toolArchitecture: goArchitecture(process.arch),
    probeSources: join(installation, 'images/probe'),
    signal: interrupt.signal,
    onEvent: (event) => tell(event, output),
  });
  const bytes = index.artifacts.reduce((sum, { size }) => sum + size, 0);
  const artifacts = index.artifacts.length;
  if (output.settings.json) {
    output.json({ type: 'bundle-created', folder, artifacts, fetched, bytes });
    return ExitCode.done;
  }
  output.print(
    `${counted(artifacts, 'artifact')} for ${architectures.join(', ')}, ${mebibytes(bytes)} MiB, ${fetched} of them fetched now.\nUse it: bootstrap apply ${path} --bundle ${options.out}`,
  );
  return ExitCode.done;
}

function tell(event: CreateEvent, output: Output): void {
  if (output.settings.json) return output.json({ type: 'bundle-artifact', ...event });
  const { artifact, result, bytes } = output.shown(event);
  const { colors } = output;
  if (result === 'kept' && !output.settings.verbose) return;
  if (result === 'left-out') {
    const why = 'it is built from source, and there is no Go on this machine';
    return output.complain(
      `${colors.yellow('warning')}: ${artifact} is left out: ${why}; verify then checks no pods`,
    );
  }
  const signs = { fetched: colors.green('✓'), kept: colors.dim('·'), failed: colors.red('✗') };
  output.print(
    `${signs[result]} ${artifact}${bytes > 0 ? colors.dim(` ${mebibytes(bytes)} MiB`) : ''}`,
  );
}

/** Those of the hosts that a run has read already; amd64 where none has been read. */
async function architecturesOf(inventory: Inventory): Promise<readonly string[]> {
  const folder = stateFolder(inventory);
  const facts = await Promise.all(inventory.hosts.map(({ name }) => cachedFacts(folder, name)));
  const found = facts.flatMap((one) =>
    one === undefined ? [] : [goArchitecture(one.architecture)],
  );
  return found.length === 0 ? ['amd64'] : [...new Set(found)].toSorted();
}

/** `uname -m`, or what Node calls it, as Go calls it. */
function goArchitecture(name: string): string {
  return { x86_64: 'amd64', x64: 'amd64', aarch64: 'arm64' }[name] ?? name;
}
