import { DiagnosticError, type Diagnostic } from '@skerry/diagnostics';
import type { Handler } from '@skerry/steps';

/** Bytes of a file name, which the id becomes on the host: NAME_MAX of Linux, less what %XX may add. */
const longestId = 80;

const asWritten = `write: handler('flush', 'ip neigh flush dev "$1"', 'eth0')`;

/**
 * Gives handlers back as they are. Types are not checked when a runbook is loaded: throws a
 * DiagnosticError that tells all that is wrong with them.
 */
export function checkHandlers(
  handlers: readonly Handler[],
  at: { readonly host: string; readonly step: string },
): readonly Handler[] {
  const found = handlers.flatMap((handler: unknown): Diagnostic[] =>
    wrongIn(handler).map((what) => ({
      code: 'bad-handler',
      severity: 'error',
      what,
      at,
      fix: asWritten,
    })),
  );
  if (found.length > 0) throw new DiagnosticError(found);
  return handlers;
}

function wrongIn(value: unknown): string[] {
  if (!isRecord(value)) return [`notify: ${shown(value)} is no handler`];
  const { id, fragment } = value;
  const wrong: string[] = [];
  if (typeof id !== 'string' || id === '' || id.length > longestId) {
    wrong.push(`the id of a handler is a text of 1 to ${longestId} characters, not ${shown(id)}`);
  }
  const name = typeof id === 'string' ? `handler "${id}"` : 'a handler';
  const { code, args } = isRecord(fragment) ? fragment : {};
  if (typeof code !== 'string' || code.trim() === '') {
    wrong.push(`${name}: what it runs is a text (sh), not ${shown(code)}`);
  }
  for (const arg of Array.isArray(args) ? (args as unknown[]) : [args]) {
    if (typeof arg === 'string') continue;
    if (isRecord(arg) && ('sha256Of' in arg || 'sha256OfBase64' in arg)) continue;
    wrong.push(`${name}: its values are texts, not ${shown(arg)}`);
  }
  return wrong;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  return typeof value === 'function' ? 'a function' : JSON.stringify(value);
}
