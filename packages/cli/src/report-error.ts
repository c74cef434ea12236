import { DiagnosticError, ExitCode, FaultError, formatDiagnostic } from '@skerry/diagnostics';
import { outputSettings, jsonLine } from './output.ts';
import { harmless, mapStrings } from './terminal-text.ts';

/** What has to be concealed in errors too; set as soon as a run knows its secrets. */
let conceal: (text: string) => string = (text) => text;

export function concealInErrors(concealer: (text: string) => string): void {
  conceal = concealer;
}

/**
 * Tells an error and gives the exit code. A `DiagnosticError` is for the user: every diagnostic is
 * shown. Anything else is a fault of the program and is shown with its stack.
 */
export function reportError(
  error: unknown,
  options: { readonly json?: boolean; readonly color?: boolean },
): ExitCode {
  const settings = outputSettings(options, process.env, process.stderr.isTTY);
  if (error instanceof DiagnosticError) {
    if (settings.json) {
      const line = { type: 'error', exitCode: error.exitCode, diagnostics: error.diagnostics };
      process.stdout.write(`${jsonLine(mapStrings(line, conceal))}\n`);
    }
    const shown = error.diagnostics.map((diagnostic) =>
      formatDiagnostic(
        mapStrings(diagnostic, (text) => harmless(conceal(text))),
        { color: settings.color },
      ),
    );
    process.stderr.write(`${shown.join('\n\n')}\n`);
    return error.exitCode;
  }
  const exitCode = error instanceof FaultError ? error.exitCode : ExitCode.error;
  const thrown = error instanceof FaultError ? error.cause : error;
  const stack = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  if (settings.json) {
    const what = error instanceof Error ? error.message : String(error);
    const diagnostics = [{ code: 'internal', severity: 'error', what }];
    const line = { type: 'error', exitCode, diagnostics };
    process.stdout.write(`${jsonLine(mapStrings(line, conceal))}\n`);
  }
  process.stderr.write(
    `${harmless(conceal(stack))}\n\nThis is a fault of Skerry, not of your files. Please report it, with the text above and the command.\n`,
  );
  return exitCode;
}
