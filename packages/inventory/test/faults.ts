import { DiagnosticError, type Diagnostic } from '@skerry/diagnostics';
import { parseInventory, type Inventory } from '../src/index.ts';

/** Everything that is wrong in an inventory; fails where nothing is. */
export function faultsOf(text: string): readonly Diagnostic[] {
  return diagnosticsFrom(() => parse(text));
}

export function diagnosticsFrom(action: () => unknown): readonly Diagnostic[] {
  try {
    action();
  } catch (error) {
    if (error instanceof DiagnosticError) return error.diagnostics;
    throw error;
  }
  throw new Error('nothing was found to be wrong');
}

export function parse(text: string): Inventory {
  return parseInventory(text, 'site/cluster.yaml', { folder: '/srv/site', home: '/home/ops' });
}

/** `code line:column`, to compare many at once. */
export function brief(diagnostics: readonly Diagnostic[]): string[] {
  return diagnostics.map(({ code, at }) =>
    at !== undefined && 'line' in at ? `${code} ${at.line}:${at.column}` : code,
  );
}
