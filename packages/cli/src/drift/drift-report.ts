import type { Drift, DriftCause } from '@skerry/runbook';
import type { Change } from '@skerry/steps';

/** The same drift on several hosts. */
interface DriftBlock {
  readonly hosts: readonly string[];
  readonly play: string;
  readonly id: string;
  readonly cause: DriftCause;
  /** The earliest of the hosts, ISO 8601. */
  readonly since?: string;
  readonly byHand: readonly Change[];
  readonly asked: readonly Change[];
}

export interface DriftReport {
  readonly runbook: string;
  readonly cluster: string;
  /** Hosts that were read. */
  readonly hosts: number;
  /** Of those, hosts with a difference. */
  readonly changedHosts: number;
  /** Hosts that could not be read: nothing is known of them. */
  readonly unread: readonly string[];
  /** Steps on hosts, by who made the difference. */
  readonly counts: Readonly<Record<DriftCause, number>>;
  readonly blocks: readonly DriftBlock[];
}

export const causes = ['by-hand', 'both', 'inventory', 'never-applied'] as const;

export const causeWords: Readonly<Record<DriftCause, string>> = {
  'by-hand': 'changed by hand',
  both: 'changed by hand, and the inventory changed',
  inventory: 'the inventory changed',
  'never-applied': 'never applied from here',
};

/** Folds drift for a reader: what was changed by hand comes first. */
export function driftReport(
  found: readonly Drift[],
  about: Pick<DriftReport, 'runbook' | 'cluster' | 'hosts' | 'unread'>,
): DriftReport {
  const blocks = new Map<string, { first: Drift; hosts: string[]; since: string[] }>();
  for (const one of found) {
    const { play, id, cause, byHand, asked, since } = one;
    const key = JSON.stringify([play, id, cause, byHand, asked]);
    const block = blocks.get(key) ?? { first: one, hosts: [], since: [] };
    blocks.set(key, block);
    block.hosts.push(one.host);
    if (since !== undefined) block.since.push(since);
  }
  const count = (cause: DriftCause): number => found.filter((one) => one.cause === cause).length;
  return {
    ...about,
    changedHosts: new Set(found.map(({ host }) => host)).size,
    counts: {
      'by-hand': count('by-hand'),
      both: count('both'),
      inventory: count('inventory'),
      'never-applied': count('never-applied'),
    },
    blocks: [...blocks.values()]
      .map(({ first: { play, id, cause, byHand, asked }, hosts, since }) => {
        const earliest = since.toSorted()[0];
        return {
          hosts,
          play,
          id,
          cause,
          ...(earliest === undefined ? {} : { since: earliest }),
          byHand,
          asked,
        };
      })
      .toSorted((a, b) => causes.indexOf(a.cause) - causes.indexOf(b.cause)),
  };
}

export function driftTotals({ counts, hosts, changedHosts, unread }: DriftReport): string {
  const parts = causes.flatMap((cause) =>
    counts[cause] === 0 ? [] : [`${counts[cause]} ${causeWords[cause]}`],
  );
  const not = unread.length === 0 ? '' : ` ${unread.length} could not be read.`;
  if (parts.length === 0) return `No drift on ${hosts} hosts.${not}`;
  return `Steps on ${changedHosts} of ${hosts} hosts: ${parts.join(', ')}.${not}`;
}
