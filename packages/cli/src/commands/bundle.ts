import { join, resolve } from 'node:path';
import { createBundle, verifyBundle, type CreateEvent } from '@skerry/bundle';
import { didYouMean, DiagnosticError, ExitCode, formatDiagnostic } from '@skerry/diagnostics';
import type { Inventory } from '@skerry/inventory';
import { distributions, goArchitecture, packageSets } from '@skerry/kubernetes';
import type { Facts } from '@skerry/runbook';
import { installation } from '../installation.ts';
import { openInventory } from '../inventory-file.ts';
import { onInterrupt } from '../interrupt.ts';
import { knownFacts } from '../known-facts.ts';
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
  /** Of nodes that nobody has read: `debian-13`. */
  readonly distribution?: readonly string[];
}

/** `bootstrap bundle create`: fetches what is missing of a bundle for an inventory. */
export async function create(path: string, options: CreateCommandOptions): Promise<ExitCode> {
  const output = new Output(outputSettings(options));
  using interrupt = onInterrupt((text) => output.complain(text));
  const { inventory } = await openInventory(path, undefined);
  demandSound(inventory, output);
  const folder = resolve(options.out);
  const known = await knownFacts(inventory);
  const architectures = options.architecture ?? architecturesOf(known);
  const assumed = assumedSystems(inventory, known, options, architectures, output);
  const { index, fetched } = await createBundle(inventory, {
    folder,
    architectures,
    toolArchitecture: process.arch === 'x64' ? 'amd64' : process.arch,
    packages: packageSets(inventory, known, assumed),
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
    return output.complain(`${colors.yellow('warning')}: ${artifact} left out: ${event.why ?? ''}`);
  }
  const signs = { fetched: colors.green('✓'), kept: colors.dim('·'), failed: colors.red('✗') };
  output.print(
    `${signs[result]} ${artifact}${bytes > 0 ? colors.dim(` ${mebibytes(bytes)} MiB`) : ''}`,
  );
}

/** amd64 where no host has been read. */
function architecturesOf(known: ReadonlyMap<string, Facts>): readonly string[] {
  const found = [...known.values()].map(({ architecture }) => goArchitecture(architecture));
  return found.length === 0 ? ['amd64'] : [...new Set(found)].toSorted();
}

/**
 * What hosts that nobody has read are taken for: what was said, else all that the others are. Tells
 * where nothing is known: a bundle without packages is less than it seems.
 */
function assumedSystems(
  inventory: Inventory,
  known: ReadonlyMap<string, Facts>,
  { distribution: given }: CreateCommandOptions,
  architectures: readonly string[],
  output: Output,
): { distribution: string; architecture: string }[] {
  const wrong = (given ?? []).filter(
    (name) => !distributions.some(({ distribution }) => distribution === name),
  );
  if (wrong.length > 0) throw unknownDistribution(wrong);
  const seen = [...known.values()]
    .filter(({ family }) => family === 'debian')
    .map(({ distribution, version }) => `${distribution}-${version}`);
  const names = [...new Set(given ?? seen)];
  if (names.length === 0 && known.size < inventory.hosts.length) {
    output.complain(
      `${output.colors.yellow('warning')}: packages of the distribution left out: no run has read the nodes yet, and nodes take them from their own repositories then. Name it, for example --distribution debian-13, or run bootstrap facts first`,
    );
  }
  return names.flatMap((distribution) =>
    architectures.map((architecture) => ({ distribution, architecture })),
  );
}

function unknownDistribution(names: readonly string[]): DiagnosticError {
  const known = distributions.map(({ distribution }) => distribution);
  return new DiagnosticError(
    names.map((name) => ({
      code: 'unknown-distribution',
      severity: 'error',
      what: `nobody knows where ${name} has its packages`,
      fix: didYouMean(name, known) ?? `take one of: ${known.join(', ')}`,
    })),
  );
}
