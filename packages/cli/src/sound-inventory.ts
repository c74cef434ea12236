import { DiagnosticError, type Diagnostic } from '@skerry/diagnostics';
import type { Inventory } from '@skerry/inventory';
import { checkCluster, type NodeFacts } from '@skerry/kubernetes';
import type { Output } from './output.ts';

/**
 * Before a run connects to anything: throws everything in the inventory that cannot work, and tells
 * once what may not. What hosts are is looked at when they have said it (`hostFindings`): remembered
 * facts may be old.
 */
export function demandSound(inventory: Inventory, output: Output): void {
  const found = checkCluster(inventory);
  if (found.some(({ severity }) => severity === 'error')) throw new DiagnosticError(found);
  for (const warning of found) {
    output.complain(output.diagnosticText(warning));
  }
}

/** What does not fit together by what hosts are; the inventory alone was looked at before. */
export function hostFindings(
  inventory: Inventory,
  facts: ReadonlyMap<string, NodeFacts>,
): Diagnostic[] {
  return checkCluster(inventory, { facts }).filter(({ host }) => host !== undefined);
}
