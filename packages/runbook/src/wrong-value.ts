import { alternatives, didYouMean, typeName } from '@skerry/diagnostics';
import type { z } from 'zod';

type Issue = z.core.$ZodIssue;

const units: Readonly<Record<string, string>> = { string: ' characters', array: ' items' };

/** What is wrong with one value of a step, in our words, and what to do where that can be said. */
export interface WrongValue {
  readonly what: string;
  readonly fix?: string;
}

/**
 * What a schema has to say about `raw`, the state as it was asked for. Values are not repeated, which
 * may be secret; `whole` is what the state as a whole is called.
 */
export function wrongValue(issue: Issue, raw: unknown, whole: string): WrongValue {
  return wrong(issue, raw, whole, []);
}

function wrong(
  issue: Issue,
  raw: unknown,
  whole: string,
  prefix: readonly PropertyKey[],
): WrongValue {
  const path = [...prefix, ...issue.path];
  const value = valueAt(raw, path);
  const name = path.length === 0 ? whole : path.join('.');
  switch (issue.code) {
    case 'invalid_type':
      return wrongType(name, value, [issue.expected]);
    case 'invalid_union': {
      const ofType = (one: Issue): boolean => one.path.length === 0 && one.code === 'invalid_type';
      const fitting = issue.errors.find((option) => !option.some(ofType));
      const [first] = fitting ?? [];
      if (first !== undefined) return wrong(first, raw, whole, path);
      const expected = issue.errors
        .flat()
        .flatMap((one) => ('expected' in one ? one.expected : []));
      return wrongType(name, value, [...new Set(expected)]);
    }
    case 'invalid_value': {
      const values = issue.values.map(String);
      const near = didYouMean(typeof value === 'string' ? value : '', values);
      const what = `${name} must be ${alternatives(values)}`;
      return near === undefined ? { what } : { what, fix: near };
    }
    case 'too_small':
    case 'too_big': {
      const least = issue.code === 'too_small';
      const limit = least ? issue.minimum : issue.maximum;
      const unit = units[issue.origin] ?? '';
      const have = unit === '' ? 'be' : 'have';
      return { what: `${name} must ${have} ${least ? 'at least' : 'at most'} ${limit}${unit}` };
    }
    case 'custom':
    case 'invalid_element':
    case 'invalid_format':
    case 'invalid_key':
    case 'not_multiple_of':
    case 'unrecognized_keys': {
      const message = /^Invalid (?:string|input): (.*)$/.exec(issue.message)?.[1];
      return { what: message === undefined ? `${name}: ${issue.message}` : `${name} ${message}` };
    }
  }
}

function wrongType(name: string, value: unknown, expected: readonly string[]): WrongValue {
  const must = alternatives([...new Set(expected.map(typeName))], false);
  if (value === undefined) return { what: `${name} is missing: it must be ${must}` };
  const what = `${name} must be ${must}, not ${kindOf(value)}`;
  const isWord = typeof value === 'number' || typeof value === 'boolean';
  return expected.includes('string') && isWord ? { what, fix: `put ${name} in quotes` } : { what };
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  if (typeof value === 'function') return 'a function';
  return typeName(typeof value);
}

function valueAt(raw: unknown, path: readonly PropertyKey[]): unknown {
  let value = raw;
  for (const part of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Readonly<Record<PropertyKey, unknown>>)[part];
  }
  return value;
}
