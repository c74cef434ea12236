import { isAlias, isMap, isScalar, isSeq, type Document } from 'yaml';
import { nearest } from '@skerry/diagnostics';
import { referencePattern } from './formats.ts';
import type { SourceText } from './source-text.ts';

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

/**
 * Hides every value in a document that stands where a reference to a secret belongs and is none, in
 * what aliases lead to and in keys that stand twice as well.
 */
export function hideInDocument(source: SourceText, document: Document.Parsed): void {
  const done = new Set<unknown>();
  const walk = (node: unknown, sensitive: boolean): void => {
    if (isAlias(node)) {
      const target = sensitive ? node.resolve(document) : undefined;
      if (target === undefined || done.has(target)) return;
      done.add(target);
      walk(target, true);
    } else if (isScalar(node)) {
      const range = node.range ?? undefined;
      if (sensitive && range !== undefined && !isHarmless(node.value))
        source.hide(range[0], range[1]);
    } else if (isSeq(node)) {
      for (const item of node.items) walk(item, sensitive);
    } else if (isMap(node)) {
      for (const { key, value } of node.items) {
        const name = isScalar(key) ? String(key.value) : '';
        walk(value, sensitive || isSensitiveKey(name));
      }
    }
  };
  walk(document.contents, false);
}

/**
 * The same by the look of the lines, for a file that is no YAML: what follows a key that may name a
 * secret, and all that is indented below it.
 */
export function hideInText(source: SourceText): void {
  let offset = 0;
  let below: number | undefined;
  for (const line of source.text.split('\n')) {
    const first = line.search(/[^\s-]/);
    // A tab is deeper than any space before it: what it was meant to be cannot be known.
    const indent = first === -1 ? -1 : line.slice(0, first).replaceAll('\t', ' '.repeat(80)).length;
    if (indent !== -1 && below !== undefined && indent <= below) below = undefined;
    const key = /^[\s-]*["']?([\w.-]+)["']?\s*:/.exec(line);
    if (key !== null && below === undefined && isSensitiveKey(key[1] ?? '')) below = indent;
    if (below !== undefined && indent !== -1) {
      const from = key === null ? first : key[0].length;
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
