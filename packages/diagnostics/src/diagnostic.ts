/** A place in a text file; `line` and `column` count from 1. */
export interface SourcePosition {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The text of that line, when it is at hand: shown as a code frame. */
  readonly text?: string;
  /** How many characters from `column` on are meant; default 1. */
  readonly length?: number;
}

/** Where something happened on a host. */
export interface HostPosition {
  readonly host: string;
  /** `play › step`, when a step is meant. */
  readonly step?: string;
}

/**
 * One finding, in the order a reader needs it: what, where, why, what to do.
 * `code` is stable and lower-case with hyphens (`unknown-key`), for tests and for `--json`.
 */
export interface Diagnostic {
  readonly code: string;
  readonly severity: 'error' | 'warning';
  readonly what: string;
  readonly at?: SourcePosition | HostPosition;
  /** The host that it is about, where `at` is the line of the inventory that defines it. */
  readonly host?: string;
  readonly why?: string;
  readonly fix?: string;
}

/** The documented exit codes of `bootstrap`. */
export const ExitCode = {
  done: 0,
  error: 1,
  changesPending: 2,
  hostsFailed: 3,
  outcomeUnknown: 4,
  rolledBack: 5,
  locked: 6,
  denied: 7,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/**
 * A fault of the program after hosts were touched. How the run ended has been told already; `cause`
 * is what was thrown.
 */
export class FaultError extends Error {
  override readonly name = 'FaultError';
  readonly exitCode: ExitCode;

  constructor(cause: unknown, exitCode: ExitCode) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.exitCode = exitCode;
  }
}

/**
 * An error that the user can act on: carries every diagnostic found in one go.
 * Anything else that is thrown is a fault of the program and is shown with its stack.
 */
export class DiagnosticError extends Error {
  override readonly name = 'DiagnosticError';
  readonly diagnostics: readonly Diagnostic[];
  readonly exitCode: ExitCode;

  constructor(
    diagnostics: Diagnostic | readonly Diagnostic[],
    exitCode: ExitCode = ExitCode.error,
  ) {
    const all: readonly Diagnostic[] = Array.isArray(diagnostics)
      ? diagnostics
      : [diagnostics as Diagnostic];
    super(all.map((diagnostic) => diagnostic.what).join('\n'));
    this.diagnostics = all;
    this.exitCode = exitCode;
  }
}
