import type { Json, Origin } from './model.ts';
import type { SourceText } from './source-text.ts';
import type { YamlTree } from './yaml-tree.ts';

/** A value with the origin of each of its leaves. Scalars, lists and empty maps are leaves. */
export type Merged =
  | { readonly kind: 'leaf'; readonly value: Json; readonly origin: Origin }
  | {
      readonly kind: 'map';
      readonly entries: ReadonlyMap<string, Merged>;
      readonly origin: Origin;
    };

/** Takes what one level says. */
export function fromTree(tree: YamlTree, source: SourceText, level: string): Merged {
  const origin: Origin = { at: source.at(tree.start, tree.end), level };
  if (tree.kind === 'scalar') return { kind: 'leaf', value: tree.value, origin };
  if (tree.kind === 'list') return { kind: 'leaf', value: listOf(tree), origin };
  const entries = new Map<string, Merged>();
  for (const [key, entry] of tree.entries) entries.set(key, fromTree(entry.value, source, level));
  return { kind: 'map', entries, origin };
}

function listOf(tree: YamlTree): Json {
  if (tree.kind === 'scalar') return tree.value;
  if (tree.kind === 'list') return tree.items.map(listOf);
  return Object.fromEntries([...tree.entries].map(([key, entry]) => [key, listOf(entry.value)]));
}

/** `upper` over `lower`: two maps merge key by key, anything else is replaced as a whole. */
export function merge(lower: Merged | undefined, upper: Merged): Merged {
  if (lower === undefined || lower.kind === 'leaf' || upper.kind === 'leaf') return upper;
  const entries = new Map(lower.entries);
  for (const [key, value] of upper.entries) entries.set(key, merge(entries.get(key), value));
  return { kind: 'map', entries, origin: upper.origin };
}

export function valueOf(merged: Merged): Json {
  if (merged.kind === 'leaf') return merged.value;
  return Object.fromEntries([...merged.entries].map(([key, value]) => [key, valueOf(value)]));
}

/** `node.sysctl."net.core.somaxconn"`: a key that is more than letters, digits, _ and - is quoted. */
export function childPath(path: string, key: string): string {
  const part = /^[\w-]+$/.test(key) ? key : JSON.stringify(key);
  return path === '' ? part : `${path}.${part}`;
}

/** Every leaf of a merged value, with its dotted path. */
export function* leavesOf(merged: Merged, path: string): Generator<[string, Origin]> {
  if (merged.kind === 'leaf' || merged.entries.size === 0) yield [path, merged.origin];
  else for (const [key, value] of merged.entries) yield* leavesOf(value, childPath(path, key));
}

/** Every leaf of a plain value, with the same paths as `leavesOf`. */
export function* valuesOf(value: Json | undefined, path: string): Generator<[string, Json]> {
  if (value === undefined) return;
  const isMap = value !== null && typeof value === 'object' && !Array.isArray(value);
  const entries = isMap ? Object.entries(value as Readonly<Record<string, Json>>) : [];
  if (entries.length === 0) yield [path, value];
  else for (const [key, child] of entries) yield* valuesOf(child, childPath(path, key));
}
