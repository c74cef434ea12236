import { askedOf } from './asked.ts';
import type { DesiredStep } from './desired-state.ts';

/**
 * Every value of a step's desired state by a path that a reader understands: entries of maps, items
 * of lists, lines of texts.
 */
export function leavesOfStep(step: DesiredStep): Map<string, string> {
  const found = new Map<string, string>();
  if (isSensitive(step.desired)) {
    const { content: _content, ...shown } = step.desired;
    walk('', shown, found);
    found.set('content', 'not shown: sensitive');
  } else walk('', askedOf(step), found);
  return found;
}

function isSensitive(value: unknown): value is { readonly content?: unknown } {
  return (
    value !== null && typeof value === 'object' && 'sensitive' in value && value.sensitive === true
  );
}

function walk(path: string, value: unknown, found: Map<string, string>): void {
  if (value === undefined) return;
  if (Array.isArray(value)) {
    if (value.length === 0) found.set(path, '[]');
    for (const [index, item] of value.entries()) {
      if (typeof item === 'string' || typeof item === 'number') {
        // By its text: what comes before it in the list is no concern of an item.
        found.set(`${path}[${item}]`, String(item));
      } else walk(`${path}[${index}]`, item, found);
    }
  } else if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value);
    if (entries.length === 0) found.set(path, '{}');
    for (const [key, entry] of entries) walk(path === '' ? key : `${path}.${key}`, entry, found);
  } else if (typeof value === 'string' && value.includes('\n')) {
    const lines = value.replace(/\n$/, '').split('\n');
    for (const [index, line] of lines.entries()) {
      if (line.trim() !== '') found.set(`${path} line ${index + 1}`, line);
    }
  } else found.set(path, typeof value === 'string' ? value : JSON.stringify(value));
}
