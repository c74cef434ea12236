import { DiagnosticError } from '@skerry/diagnostics';
import type { Inventory } from '@skerry/inventory';
import { checkCluster } from '@skerry/kubernetes';
import type { Output } from './output.ts';

/**
 * Before a run connects to anything: throws everything in the inventory that cannot work, and tells
 * once what may not. What hosts are is not looked at here: remembered facts may be old, and the gates
 * of the runbooks look at the hosts themselves.
 */
export function demandSound(inventory: Inventory, output: Output): void {
  const found = checkCluster(inventory);
  if (found.some(({ severity }) => severity === 'error')) throw new DiagnosticError(found);
  for (const warning of found) {
    output.complain(output.diagnosticText(warning));
  }
}
