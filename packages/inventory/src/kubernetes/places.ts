import type { SourcePosition } from '@skerry/diagnostics';
import type { SourceText } from '../source-text.ts';
import type { MapEntry, YamlTree } from '../yaml-tree.ts';

/**
 * The position of everything below an entry, by path: `''` for the entry itself, then `network`,
 * `network.pods`, `pools[0].name`. Empty where there is no such entry.
 */
export function placesOf(
  entry: MapEntry | undefined,
  source: SourceText,
): ReadonlyMap<string, SourcePosition> {
  const places = new Map<string, SourcePosition>();
  const walk = (tree: YamlTree, path: string, span: { start: number; end: number }): void => {
    const { start, end } = tree.kind === 'scalar' ? tree : span;
    places.set(path, source.at(start, end));
    if (tree.kind === 'map') {
      for (const [key, { key: at, value }] of tree.entries) {
        walk(value, path === '' ? key : `${path}.${key}`, at);
      }
    }
    if (tree.kind === 'list') {
      for (const [index, item] of tree.items.entries()) walk(item, `${path}[${index}]`, item);
    }
  };
  if (entry !== undefined) walk(entry.value, '', entry.key);
  return places;
}
