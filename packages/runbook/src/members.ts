import { selectHosts } from '@skerry/inventory';
import type { RunRequest } from './request.ts';

/** By play: the names of those selected hosts that the play's `hosts` pattern matches. */
export function members(
  request: Pick<RunRequest, 'runbook' | 'inventory' | 'hosts'>,
): Map<string, ReadonlySet<string>> {
  const selected = new Set(request.hosts.map(({ name }) => name));
  return new Map(
    request.runbook.plays.map(({ name, options }) => {
      const matching = selectHosts(request.inventory, options.hosts, {
        source: `play "${name}"`,
        allowEmpty: true,
      }).map((host) => host.name);
      return [name, new Set(matching.filter((host) => selected.has(host)))];
    }),
  );
}
