import type { Inventory } from '@skerry/inventory';
import { cachedFacts, type Facts } from '@skerry/runbook';
import { stateFolder } from './inventory-file.ts';

/** Facts of the hosts that an earlier run has read, by name. */
export async function knownFacts(inventory: Inventory): Promise<ReadonlyMap<string, Facts>> {
  const folder = stateFolder(inventory);
  const facts = await Promise.all(
    inventory.hosts.map(async ({ name }) => [name, await cachedFacts(folder, name)] as const),
  );
  return new Map(facts.flatMap(([name, one]) => (one === undefined ? [] : [[name, one] as const])));
}
