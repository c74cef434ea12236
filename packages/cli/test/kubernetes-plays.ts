import { join } from 'node:path';
import { selectHosts, type Inventory } from '@skerry/inventory';
import { loadRunbook, type Facts } from '@skerry/runbook';
import type { Bundle } from '@skerry/steps';
import { expand, type ExpandedPlay } from '../../runbook/src/expand.ts';
import { members } from '../../runbook/src/members.ts';
import { factsOf } from '../../runbook/test/facts-of.ts';
import { templatesFor } from '../src/templates.ts';
import { root } from './command.ts';

const file = join(root, 'runbooks/kubernetes.ts');
const runbook = await loadRunbook(file);

/** Facts of what Kubernetes has on a host; nothing where nothing is said. */
export const kubernetes = (more: Partial<Facts['kubernetes']>): Partial<Facts> => ({
  kubernetes: { kubelet: '', role: '', ca: '', server: '', ...more },
});

/** The plays of the runbook kubernetes for a host of an inventory. */
export function expanded(
  inventory: Inventory,
  name: string,
  options: { bundle?: Bundle; facts?: Readonly<Record<string, Partial<Facts>>> } = {},
): ExpandedPlay[] {
  const [host] = selectHosts(inventory, name);
  if (host === undefined) throw new Error(name);
  const fleet = new Map(
    inventory.hosts.map((each) => [
      each.name,
      factsOf(each.name, { ...kubernetes({}), ...options.facts?.[each.name] }),
    ]),
  );
  const facts = fleet.get(name) ?? factsOf(name);
  return expand({
    runbook,
    inventory,
    host,
    facts,
    fleet,
    members: members({ runbook, inventory, hosts: inventory.hosts }),
    tags: undefined,
    resolve: {
      ...templatesFor(inventory, file)(host, facts),
      manifest: () => '',
      chart: () => '',
    },
    ...(options.bundle === undefined ? {} : { bundle: options.bundle }),
    canonical: (text) => text,
  });
}

/** What a step wants, by its id. */
export const desiredOf = (plays: readonly ExpandedPlay[], id: string): unknown =>
  plays.flatMap(({ steps }) => steps).find((step) => step.id === id)?.desired;
