import { didYouMean } from '@skerry/diagnostics';
import type { Findings, Place } from './findings.ts';
import { entryOf, type MapTree, type YamlTree } from './yaml-tree.ts';

export interface GroupDraft {
  readonly name: string;
  readonly place: Place;
  /** Where in the order of the file. */
  readonly index: number;
  readonly body: MapTree | undefined;
  readonly parents: string[];
  readonly children: string[];
}

interface Reference {
  readonly parent: string;
  readonly name: string;
  readonly place: Place;
}

/** All groups by name, in the order of the file, cycles cut. */
export function collectGroups(tree: YamlTree, findings: Findings): Map<string, GroupDraft> {
  const groups = new Map<string, GroupDraft>();
  const references: Reference[] = [];
  const define = (name: string, place: Place, value: YamlTree): void => {
    const body = value.kind === 'map' ? value : undefined;
    const known = groups.get(name);
    if (known?.body !== undefined && body !== undefined) {
      findings.add(place, 'duplicate-group', `the group "${name}" is defined twice`, {
        why: `it is defined at ${findings.source.lineAt(known.place.start)} already`,
        fix: `bring both together; to put it below a second group, write "${name}:" without settings`,
      });
      return;
    }
    checkGroupName(name, place, findings);
    if (known === undefined || body !== undefined) {
      const index = known?.index ?? groups.size;
      groups.set(name, { name, place, index, body, parents: [], children: [] });
    }
    const children = entryOf(body, 'children')?.value;
    if (children?.kind === 'map') {
      for (const [child, { key, value }] of children.entries) {
        references.push({ parent: name, name: child, place: key });
        if (value.kind !== 'scalar' || value.value !== null) define(child, key, value);
      }
    } else if (children?.kind === 'list') {
      for (const item of children.items) {
        if (item.kind !== 'scalar' || typeof item.value !== 'string') continue;
        references.push({ parent: name, name: item.value, place: item });
      }
    }
  };
  const top = entryOf(tree, 'groups')?.value;
  if (top?.kind === 'map') {
    for (const [name, { key, value }] of top.entries) define(name, key, value);
  }
  link(groups, references, findings);
  return groups;
}

function checkGroupName(name: string, place: Place, findings: Findings): void {
  if (name === 'all') {
    findings.add(place, 'reserved-name', 'no group can be named "all"', {
      why: '"all" is every host, and is there without being written',
      fix: 'write what holds for every host below "cluster:"',
    });
  } else if (!/^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?$/.test(name)) {
    findings.add(place, 'invalid-group-name', `"${name}" cannot be the name of a group`, {
      why: 'it must be letters, digits, dots, hyphens and underscores; : , ! & * [ ] = have a meaning in --limit',
    });
  }
}

function link(
  groups: Map<string, GroupDraft>,
  references: readonly Reference[],
  findings: Findings,
): void {
  for (const { parent, name, place } of references) {
    const child = groups.get(name);
    const from = groups.get(parent);
    if (child === undefined || from === undefined) {
      findings.add(place, 'unknown-group', `there is no group "${name}"`, {
        why: 'a child without settings is a group that is defined elsewhere in this file',
        fix: didYouMean(name, groups.keys()) ?? `define it: "${name}: {hosts: …}"`,
      });
      continue;
    }
    const cycle = pathBetween(groups, name, parent);
    if (cycle !== undefined) {
      const loop = [...cycle, name].join(' → ');
      findings.add(place, 'group-cycle', `the group "${parent}" would contain itself`, {
        why: loop,
        fix: `take "${name}" out of the children of "${parent}"`,
      });
    } else if (!from.children.includes(name)) {
      from.children.push(name);
      child.parents.push(parent);
    }
  }
}

/** The way from one group down to another, both included; one group alone is a way too. */
function pathBetween(
  groups: ReadonlyMap<string, GroupDraft>,
  from: string,
  to: string,
  seen: Set<string> = new Set(),
): readonly string[] | undefined {
  if (from === to) return [from];
  if (seen.has(from)) return undefined;
  seen.add(from);
  for (const child of groups.get(from)?.children ?? []) {
    const rest = pathBetween(groups, child, to, seen);
    if (rest !== undefined) return [from, ...rest];
  }
  return undefined;
}

/**
 * These groups and all that they are in, outermost first: by the longest way down from `all`, then in
 * the order of the file.
 */
export function lineage(
  groups: ReadonlyMap<string, GroupDraft>,
  direct: readonly string[],
): readonly GroupDraft[] {
  const found = new Map<string, GroupDraft>();
  const climb = (name: string): void => {
    const group = groups.get(name);
    if (group === undefined || found.has(name)) return;
    found.set(name, group);
    for (const parent of group.parents) climb(parent);
  };
  for (const name of direct) climb(name);
  const depth = new Map<string, number>();
  const depthOf = (group: GroupDraft): number => {
    const known = depth.get(group.name);
    if (known !== undefined) return known;
    const parents = group.parents.flatMap((name) => groups.get(name) ?? []);
    const value = 1 + Math.max(0, ...parents.map(depthOf));
    depth.set(group.name, value);
    return value;
  };
  return [...found.values()].toSorted((a, b) => depthOf(a) - depthOf(b) || a.index - b.index);
}
