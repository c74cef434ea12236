import type { PlanCount } from '@skerry/runbook';
import { counted } from '../host-names.ts';

/** The totals of a plan in one line. */
export function planLine(count: PlanCount): string {
  if (count.steps === 0 && count.handlers === 0) {
    return `Nothing to do: ${counted(count.hosts, 'host')} as desired.`;
  }
  const sure = (['exact', 'conditional', 'opaque'] as const)
    .filter((level) => count[level] > 0)
    .map((level) => `${count[level]} ${level}`)
    .join(', ');
  const refused = count.refused === 0 ? '' : ` ${counted(count.refused, 'step')} refused.`;
  const handlers = count.handlers === 0 ? '' : ` and ${counted(count.handlers, 'handler')}`;
  return `${counted(count.steps, 'step')} (${counted(count.changes, 'change')})${handlers} on ${count.changedHosts} of ${counted(count.hosts, 'host')}: ${sure}.${refused}`;
}
