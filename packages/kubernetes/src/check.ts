import type { Diagnostic, SourcePosition } from '@skerry/diagnostics';
import type { Inventory } from '@skerry/inventory';
import { rules } from './rules/all-rules.ts';
import type { Breach, NodeFacts, Rule, Subject } from './rules/rule.ts';

export interface CheckOptions {
  /** Facts of hosts, as far as they are known; without them only the inventory is looked at. */
  readonly facts?: ReadonlyMap<string, NodeFacts>;
  /** YYYY-MM-DD; default: today. */
  readonly today?: string;
}

/**
 * Everything that does not fit together in an inventory, in the order of the file. What breaks a rule
 * by the facts of a host comes last, again in the order of the file, and has `host`. Nothing is found
 * where the inventory has no `kubernetes` section. Pure but for the date, and nothing is connected to.
 */
export function checkCluster(inventory: Inventory, options: CheckOptions = {}): Diagnostic[] {
  if (inventory.kubernetesPlaces.size === 0) return [];
  const subject: Subject = {
    inventory,
    kubernetes: inventory.kubernetes,
    controlPlanes: inventory.hosts.filter(({ roles }) => roles.includes('control-plane')),
    facts: options.facts ?? new Map(),
    today: options.today ?? new Date().toISOString().slice(0, 10),
  };
  const found = rules.flatMap((rule) =>
    [...rule.check(subject)].map((breach) => diagnosticOf(rule, breach, inventory)),
  );
  const ofHost = ({ host }: Diagnostic): number => (host === undefined ? 0 : 1);
  return found.toSorted((a, b) => ofHost(a) - ofHost(b) || orderOf(a) - orderOf(b));
}

function diagnosticOf(rule: Rule, breach: Breach, inventory: Inventory): Diagnostic {
  return {
    code: rule.id,
    severity: rule.severity,
    what: breach.what,
    ...placeOf(breach, inventory),
    why: breach.why ?? rule.reason,
    fix: breach.fix ?? rule.fix,
  };
}

function placeOf({ at }: Breach, inventory: Inventory): Pick<Diagnostic, 'at' | 'host'> {
  if (typeof at !== 'string') {
    if (!('host' in at)) return { at };
    const { host } = at;
    return { at: inventory.hosts.find(({ name }) => name === host)?.at ?? { host }, host };
  }
  const place = placeAt(inventory, at);
  return place === undefined ? {} : { at: place };
}

/** Where a path stands; where nothing stands there, what should hold it. */
function placeAt({ kubernetesPlaces }: Inventory, path: string): SourcePosition | undefined {
  for (let at = path; at !== ''; at = at.replace(/(^|\.)[^.[]*$|\[\d+\]$/, '')) {
    const place = kubernetesPlaces.get(at);
    if (place !== undefined) return place;
  }
  return kubernetesPlaces.get('');
}

function orderOf({ at }: Diagnostic): number {
  return at !== undefined && 'file' in at ? at.line * 1e5 + at.column : 0;
}
