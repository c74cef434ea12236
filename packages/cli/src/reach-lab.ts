import type { Inventory } from '@skerry/inventory';
import type { Output } from './output.ts';

/** Set in the process that was started again inside the lab's network. */
export const insideLab = 'SKERRY_INSIDE_LAB';

/**
 * Makes the machines of an inventory with a lab section reachable; see `enterLab`. Undefined where
 * this process can go on: at once, without loading the lab, where there is no such section.
 */
export async function reachLab(
  inventory: Inventory,
  request: { readonly start: boolean; readonly yes?: boolean; readonly signal?: AbortSignal },
  output: Output,
): Promise<number | undefined> {
  if (inventory.lab === undefined || process.env[insideLab] === '1') return undefined;
  const { enterLab } = await import('./lab-machines.ts');
  return enterLab(inventory, request, output);
}
