import { verifyBundle } from '@skerry/bundle';
import { ExitCode, formatDiagnostic } from '@skerry/diagnostics';
import type { OutputOptions } from '../options.ts';
import { Output, outputSettings } from '../output.ts';
import { counted } from '../render/host-names.ts';

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
  output.print(`${counted(artifacts, 'artifact')}, ${Math.ceil(bytes / 2 ** 20)} MiB: ${result}`);
  return exitCode;
}
