import { nearest } from '@skerry/diagnostics';
import { referencePattern } from './formats.ts';
import type { SourceText } from './source-text.ts';
import type { YamlTree } from './yaml-tree.ts';

const sensitiveKey = /pass(word|phrase|wd)|secret|token|credential/i;

/** Whether what stands at a key may be a secret, also where the key is misspelt. */
export function isSensitiveKey(key: string): boolean {
  return (
    sensitiveKey.test(key) || nearest(key, ['password', 'passphrase', 'secrets']) !== undefined
  );
}

function isHarmless(value: unknown): boolean {
  if (typeof value === 'boolean' || value === null || value === 'ask') return true;
  return typeof value === 'string' && referencePattern.test(value);
}

/** Hides every value in the tree that stands where a reference to a secret belongs and is none. */
export function hideInTree(source: SourceText, tree: YamlTree, sensitive = false): void {
  if (tree.kind === 'scalar') {
    if (sensitive && !isHarmless(tree.value)) source.hide(tree.start, tree.end);
  } else if (tree.kind === 'list') {
    for (const item of tree.items) hideInTree(source, item, sensitive);
  } else {
    for (const [key, entry] of tree.entries) {
      hideInTree(source, entry.value, sensitive || isSensitiveKey(key));
    }
  }
}

/**
 * The same by the look of the lines, for a file that is no YAML: what follows a key that may name a
 * secret, and all that is indented below it.
 */
export function hideInText(source: SourceText): void {
  let offset = 0;
  let below: number | undefined;
  for (const line of source.text.split('\n')) {
    const indent = line.search(/[^\s-]/);
    if (indent !== -1 && below !== undefined && indent <= below) below = undefined;
    const key = /^[\s-]*["']?([\w.-]+)["']?\s*:/.exec(line);
    if (key !== null && below === undefined && isSensitiveKey(key[1] ?? '')) below = indent;
    if (below !== undefined && indent !== -1) {
      const from = key === null ? indent : key[0].length;
      const value = line.slice(from).trim();
      if (value !== '' && !isHarmless(value)) source.hide(offset + from, offset + line.length);
    } else {
      const inline = /["']?([\w-]+)["']?\s*:\s*(?=\S)/g;
      for (const match of line.matchAll(inline)) {
        if (!isSensitiveKey(match[1] ?? '')) continue;
        source.hide(offset + match.index + match[0].length, offset + line.length);
        break;
      }
    }
    offset += line.length + 1;
  }
}
