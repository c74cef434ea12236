import type { Diagnostic, HostPosition, SourcePosition } from '@skerry/diagnostics';
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
 * Everything that does not fit together in an inventory, in the order of the file; what concerns a
 * host comes last. Nothing is found where the inventory has no `kubernetes` section. Pure but for the
 * date, and nothing is connected to.
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
  return found.toSorted((a, b) => orderOf(a) - orderOf(b));
}

function diagnosticOf(rule: Rule, breach: Breach, inventory: Inventory): Diagnostic {
  const at = typeof breach.at === 'string' ? placeAt(inventory, breach.at) : breach.at;
  return {
    code: rule.id,
    severity: rule.severity,
    what: breach.what,
    ...(at === undefined ? {} : { at }),
    why: breach.why ?? rule.reason,
    fix: breach.fix ?? rule.fix,
  };
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
  if (at === undefined) return 0;
  return isSource(at) ? at.line * 1e5 + at.column : Number.MAX_SAFE_INTEGER;
}

function isSource(at: SourcePosition | HostPosition): at is SourcePosition {
  return 'file' in at;
}
