import {
  didYouMean,
  DiagnosticError,
  type Diagnostic,
  type SourcePosition,
} from '@skerry/diagnostics';
import type { z } from 'zod';
import { knownKeysAt } from './known-keys.ts';
import { SourceText } from './source-text.ts';
import { parseYaml, plainValue, type YamlTree } from './yaml-tree.ts';

/** A YAML file that fits its schema, and where its parts stand. */
export interface CheckedYaml<T> {
  readonly value: T;
  /** `deny.hosts[0].group`; the closest part around it that is there. */
  readonly placeOf: (path: string) => SourcePosition;
}

/**
 * Reads a small YAML file of the user's that is no inventory. Throws one DiagnosticError with
 * everything that is wrong, each with its place and, for a misspelt key, the nearest one.
 */
export function readCheckedYaml<T>(
  text: string,
  path: string,
  schema: z.ZodType<T>,
): CheckedYaml<T> {
  const source = new SourceText(path, text);
  const { tree, diagnostics } = parseYaml(source);
  if (diagnostics.length > 0) throw new DiagnosticError(diagnostics);
  const root: YamlTree = tree ?? { kind: 'map', start: 0, end: 1, entries: new Map() };
  const checked = schema.safeParse(plainValue(root));
  if (!checked.success) {
    throw new DiagnosticError(
      checked.error.issues.flatMap((issue) => diagnosticsOf(issue, root, source, schema)),
    );
  }
  return {
    value: checked.data,
    placeOf: (at) => {
      const keys = [...at.matchAll(/[^.[\]]+/g)].map(([key]) => key);
      const span = spanAt(root, keys);
      return source.at(span.start, span.end);
    },
  };
}

function diagnosticsOf(
  issue: z.core.$ZodIssue,
  root: YamlTree,
  source: SourceText,
  schema: z.ZodType,
): Diagnostic[] {
  const error = { severity: 'error' } as const;
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeysAt(schema, issue.path);
    return issue.keys.map((key) => {
      const span = keyAt(root, [...issue.path, key]);
      return {
        ...error,
        code: 'unknown-key',
        what: `unknown key "${key}"`,
        at: source.at(span.start, span.end),
        fix: didYouMean(key, known) ?? `the keys here are ${known.join(', ')}`,
      };
    });
  }
  const span = spanAt(root, issue.path);
  const name = issue.path.join('.');
  return [
    {
      ...error,
      code: 'invalid-value',
      what: name === '' ? issue.message : `"${name}" ${saysWhat(issue.message)}`,
      at: source.at(span.start, span.end),
    },
  ];
}

const saysWhat = (message: string): string =>
  message.startsWith('must') ? message : `is not right: ${message}`;

interface Span {
  readonly start: number;
  readonly end: number;
}

function stepInto(tree: YamlTree, key: PropertyKey): YamlTree | undefined {
  if (tree.kind === 'map') return tree.entries.get(String(key))?.value;
  return tree.kind === 'list' ? tree.items[Number(key)] : undefined;
}

function spanAt(root: YamlTree, path: readonly PropertyKey[]): Span {
  let tree = root;
  for (const key of path) {
    const inner = stepInto(tree, key);
    if (inner === undefined) return tree;
    tree = inner;
  }
  return tree;
}

function keyAt(root: YamlTree, path: readonly PropertyKey[]): Span {
  let tree: YamlTree | undefined = root;
  for (const key of path.slice(0, -1)) tree = tree === undefined ? undefined : stepInto(tree, key);
  const entry = tree?.kind === 'map' ? tree.entries.get(String(path.at(-1))) : undefined;
  return entry?.key ?? spanAt(root, path);
}
