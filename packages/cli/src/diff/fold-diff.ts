import type { Change } from '@skerry/steps';
import type { Difference, RevisionDiff } from './compare-revisions.ts';

/** A step that is asked for differently, by the same change or for the same reason, on all hosts. */
export interface DiffStep {
  readonly id: string;
  readonly action: Difference['action'];
  readonly summary: string;
  readonly because: readonly string[];
  readonly changes: readonly Change[];
  /**
   * Where one template or line makes another text for each host: whose text `changes` is, and the
   * changes of the others. Empty where it is the same on all.
   */
  readonly others: readonly {
    readonly hosts: readonly string[];
    readonly changes: readonly Change[];
  }[];
}

interface DiffBlock {
  readonly hosts: readonly string[];
  readonly steps: readonly DiffStep[];
}

export interface DiffPlay {
  readonly play: string;
  readonly blocks: readonly DiffBlock[];
}

interface Group {
  readonly hosts: string[];
  readonly first: Difference;
}

/**
 * What is asked for differently, for a reader: play by play; the same change on several hosts once,
 * and so is what has the same cause, with the change of one host as an example.
 */
export function foldDiff(diff: RevisionDiff): readonly DiffPlay[] {
  const groups = new Map<string, Group>();
  for (const one of diff.differences) {
    const { host, ...rest } = one;
    const key = JSON.stringify(rest);
    const group = groups.get(key) ?? { hosts: [], first: one };
    groups.set(key, group);
    group.hosts.push(host);
  }
  const causes = new Map<string, Group[]>();
  for (const group of groups.values()) {
    const { play, id, action, because } = group.first;
    const key = JSON.stringify([play, id, action, because]);
    const same = causes.get(key) ?? [];
    causes.set(key, same);
    same.push(group);
  }
  const plays = new Map<string, Map<string, { hosts: string[]; steps: DiffStep[] }>>();
  for (const [first, ...others] of causes.values()) {
    if (first === undefined) continue;
    const { play, id, action, summary, because, changes } = first.first;
    const hosts = [first, ...others].flatMap((group) => group.hosts);
    const step: DiffStep = {
      id,
      action,
      summary,
      because,
      changes,
      others: others.map((group) => ({ hosts: group.hosts, changes: group.first.changes })),
    };
    const blocks = plays.get(play) ?? new Map<string, { hosts: string[]; steps: DiffStep[] }>();
    plays.set(play, blocks);
    const key = hosts.join('\n');
    const block = blocks.get(key) ?? { hosts, steps: [] };
    blocks.set(key, block);
    block.steps.push(step);
  }
  return [...plays].map(([play, blocks]) => ({
    play,
    blocks: [...blocks.values()].toSorted((a, b) => b.hosts.length - a.hosts.length),
  }));
}
