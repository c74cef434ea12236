import { DiagnosticError } from '@skerry/diagnostics';

export interface HostFailure {
  readonly code: string;
  readonly what: string;
  readonly why?: string | undefined;
  readonly fix?: string | undefined;
}

/** An error of one host, with what to do about it. */
export function hostError(host: string, failure: HostFailure): DiagnosticError {
  return new DiagnosticError({
    code: failure.code,
    severity: 'error',
    what: failure.what,
    at: { host },
    ...(failure.why === undefined || failure.why === '' ? {} : { why: failure.why }),
    ...(failure.fix === undefined ? {} : { fix: failure.fix }),
  });
}

/** The user, or a signal, ended it before it was done. */
export function abortedError(host: string): DiagnosticError {
  return hostError(host, { code: 'aborted', what: `connecting to ${host} was aborted` });
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
