import { basename, dirname, join, resolve } from 'node:path';
import { DiagnosticError, didYouMean } from '@skerry/diagnostics';
import { loadInventory, selectHosts, type Host, type Inventory } from '@skerry/inventory';

/** The inventory of a path, and the hosts that `--limit` leaves. */
export async function openInventory(
  path: string,
  limit: string | undefined,
): Promise<{ readonly inventory: Inventory; readonly hosts: readonly Host[] }> {
  const inventory = await loadInventory(path);
  const hosts =
    limit === undefined ? inventory.hosts : selectHosts(inventory, limit, { source: '--limit' });
  return { inventory, hosts };
}

/** One host by its name. */
export function hostNamed(inventory: Inventory, name: string): Host {
  const host = inventory.hosts.find((candidate) => candidate.name === name);
  if (host !== undefined) return host;
  const near = didYouMean(
    name,
    inventory.hosts.map((candidate) => candidate.name),
  );
  throw new DiagnosticError({
    code: 'unknown-host',
    severity: 'error',
    what: `${inventory.path} has no host "${name}"`,
    fix: near ?? `see the names with: bootstrap inventory ${inventory.path}`,
  });
}

/**
 * The folder `.skerry` (facts, logs, the lab; never committed): beside the inventory file, or, where
 * that lies in a folder called `inventory`, beside that folder.
 */
export function stateFolder(inventory: Inventory): string {
  const folder = dirname(resolve(inventory.path));
  return join(basename(folder) === 'inventory' ? dirname(folder) : folder, '.skerry');
}

/** Where the lab of an inventory keeps its key, its known_hosts and its Vagrantfile. */
export function labFolder(inventory: Inventory): string {
  return join(stateFolder(inventory), 'lab');
}
