import {
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  parseDocument,
  type Document,
  type Node,
  type Pair,
} from 'yaml';
import type { Diagnostic } from '@skerry/diagnostics';
import type { Json } from './model.ts';
import { hideInDocument, hideInText } from './sensitive.ts';
import type { SourceText } from './source-text.ts';

interface Span {
  readonly start: number;
  readonly end: number;
}

interface ScalarTree extends Span {
  readonly kind: 'scalar';
  readonly value: string | number | boolean | null;
}

interface ListTree extends Span {
  readonly kind: 'list';
  readonly items: readonly YamlTree[];
}

export interface MapTree extends Span {
  readonly kind: 'map';
  readonly entries: ReadonlyMap<string, MapEntry>;
}

export interface MapEntry {
  readonly key: Span;
  readonly value: YamlTree;
}

/** YAML with aliases and merge keys resolved, each part with its offsets in the file. */
export type YamlTree = ScalarTree | ListTree | MapTree;

/** What aliases may blow a file up to, in nodes. A thousand hosts with all settings stay far below. */
const nodeLimit = 200_000;

interface Finding extends Span {
  readonly code: string;
  readonly what: string;
  readonly why?: string;
  readonly fix?: string;
}

/** The tree of a file, or undefined where it is no YAML at all; with what is wrong in it. */
export function parseYaml(source: SourceText): {
  tree: YamlTree | undefined;
  diagnostics: Diagnostic[];
} {
  let document: Document.Parsed;
  try {
    document = parseDocument(source.text, { prettyErrors: false, uniqueKeys: false, merge: true });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const what = 'the YAML is nested too deeply';
    return {
      tree: undefined,
      diagnostics: asDiagnostics(source, [finding(0, 1, 'yaml-depth', what)]),
    };
  }
  const syntax = syntaxFindings(document);
  if (syntax.length > 0) {
    hideInText(source);
    hideInDocument(source, document);
    return { tree: undefined, diagnostics: asDiagnostics(source, syntax) };
  }
  if (document.contents === null || isNothing(document.contents)) {
    return { tree: undefined, diagnostics: [] };
  }
  hideInDocument(source, document);
  const walk = new Walk(document, source);
  const tree = walk.tree(document.contents);
  return {
    tree: walk.tooLarge ? undefined : tree,
    diagnostics: asDiagnostics(source, walk.findings),
  };
}

function isNothing(node: unknown): boolean {
  return isScalar(node) && node.value === null && node.source === '';
}

function finding(start: number, end: number, code: string, what: string, rest = {}): Finding {
  return { start, end, code, what, ...rest };
}

function asDiagnostics(source: SourceText, findings: readonly Finding[]): Diagnostic[] {
  return findings.map(({ start, end, ...rest }) => ({
    ...rest,
    severity: 'error',
    at: source.at(start, end),
  }));
}

/** The first fault of each line; where tabs indent, only these, since the rest follows from them. */
function syntaxFindings(document: Document.Parsed): Finding[] {
  const faults = [...document.errors, ...document.warnings];
  const tabs = faults.filter((fault) => fault.code === 'TAB_AS_INDENT');
  const seen = new Set<number>();
  const findings: Finding[] = [];
  for (const fault of tabs.length > 0 ? tabs : faults) {
    const [start, end] = fault.pos;
    if (seen.has(start)) continue;
    seen.add(start);
    findings.push(finding(start, end, ...wordsFor(fault.code, fault.message)));
  }
  return findings;
}

function wordsFor(
  code: string,
  message: string,
): [code: string, what: string, rest: { why?: string; fix?: string }] {
  switch (code) {
    case 'TAB_AS_INDENT': {
      const why = 'YAML is indented with spaces; a tab has no width of its own';
      return ['yaml-tab', 'a tab indents this line', { why, fix: 'write two spaces instead' }];
    }
    case 'MULTIPLE_DOCS': {
      const why = 'an inventory is one YAML document';
      return ['yaml-syntax', 'a second document starts here', { why, fix: 'leave out the "---"' }];
    }
    case 'TAG_RESOLVE_FAILED': {
      const why = 'an inventory holds text, numbers, true and false, lists and maps';
      return ['yaml-tag', 'this tag is not known', { why, fix: 'leave out the tag' }];
    }
    default: {
      const why = message.split('\n', 1)[0] ?? message;
      return ['yaml-syntax', 'this is not YAML', { why }];
    }
  }
}

/** One way through a document. Each anchor is walked once and shared by its aliases. */
class Walk {
  readonly findings: Finding[] = [];
  tooLarge = false;
  readonly #document: Document.Parsed;
  readonly #source: SourceText;
  readonly #known = new Map<Node, { tree: YamlTree; size: number }>();
  readonly #open = new Set<Node>();
  #size = 0;

  constructor(document: Document.Parsed, source: SourceText) {
    this.#document = document;
    this.#source = source;
  }

  tree(node: unknown, around: Span = { start: 0, end: 1 }): YamlTree {
    this.#size += 1;
    if (isAlias(node)) return this.#alias(node, spanOf(node, around));
    if (isScalar(node)) return this.#scalar(node.value, spanOf(node, around));
    if (!isMap(node) && !isSeq(node)) return { kind: 'scalar', value: null, ...around };
    const before = this.#size;
    this.#open.add(node);
    const span = spanOf(node, around);
    const tree: YamlTree = isMap(node)
      ? { kind: 'map', entries: this.#entries(node.items, span), ...span }
      : { kind: 'list', items: node.items.map((item) => this.tree(item, span)), ...span };
    this.#open.delete(node);
    if (node.anchor !== undefined) this.#known.set(node, { tree, size: this.#size - before });
    return tree;
  }

  #alias(
    node: Node & { source: string; resolve(document: Document): unknown },
    span: Span,
  ): YamlTree {
    const nothing: YamlTree = { kind: 'scalar', value: null, ...span };
    if (this.tooLarge) return nothing;
    const target = node.resolve(this.#document) as Node | undefined;
    if (target === undefined) {
      this.#find(span, 'yaml-alias', `there is no anchor "${node.source}" above`, {
        fix: `mark the value that is meant with &${node.source}`,
      });
      return nothing;
    }
    if (this.#open.has(target)) {
      this.#find(span, 'yaml-alias', `the alias "${node.source}" stands inside what it names`);
      return nothing;
    }
    const known = this.#known.get(target);
    if (known === undefined) return this.tree(target, span);
    this.#size += known.size;
    if (this.#size > nodeLimit) {
      this.tooLarge = true;
      this.#find(span, 'yaml-alias-bomb', 'the aliases of this file multiply without measure', {
        why: `up to here they stand for more than ${nodeLimit} values`,
        fix: 'write vars on a group or on the cluster instead of aliases of aliases',
      });
    }
    return known.tree;
  }

  #scalar(value: unknown, span: Span): YamlTree {
    if (typeof value === 'number' && !Number.isFinite(value)) {
      this.#find(span, 'wrong-type', 'this number has no value that can be used');
      return { kind: 'scalar', value: null, ...span };
    }
    const plain =
      typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
    return { kind: 'scalar', value: plain ? value : null, ...span };
  }

  #entries(pairs: readonly Pair[], around: Span): Map<string, MapEntry> {
    const entries = new Map<string, MapEntry>();
    const merged: YamlTree[] = [];
    for (const pair of pairs) {
      if (!isPair(pair)) continue;
      const keySpan = spanOf(pair.key, around);
      if (isMergeKey(pair.key)) {
        merged.push(this.tree(pair.value, keySpan));
        continue;
      }
      const key = this.#key(pair.key, keySpan);
      const value = this.tree(pair.value, keySpan);
      if (key === undefined) continue;
      const first = entries.get(key);
      if (first === undefined) entries.set(key, { key: keySpan, value });
      else this.#duplicate(key, keySpan, first.key);
    }
    for (const tree of merged) this.#merge(entries, tree);
    return entries;
  }

  #key(node: unknown, span: Span): string | undefined {
    const value = isScalar(node) ? node.value : undefined;
    if (value === '__proto__' || (typeof value !== 'string' && typeof value !== 'number')) {
      this.#find(span, 'invalid-key', 'this cannot be a key', {
        why: 'a key is a text or a number',
        fix: 'put it in quotes',
      });
      return undefined;
    }
    // 01 and 1e3 are numbers to YAML, and names to the one who wrote them.
    const source = isScalar(node) ? node.source : undefined;
    return typeof value === 'number' ? (source ?? String(value)) : value;
  }

  #duplicate(key: string, span: Span, first: Span): void {
    this.#find(span, 'duplicate-key', `the key "${key}" stands twice in this map`, {
      why: `it stands at ${this.#source.lineAt(first.start)} already, and only one of the two can hold`,
      fix: 'leave out one of them, or bring both together',
    });
  }

  /** `<<:`; what stands in the map itself wins, then the first of several. */
  #merge(entries: Map<string, MapEntry>, tree: YamlTree): void {
    if (tree.kind === 'list') {
      for (const item of tree.items) this.#merge(entries, item);
      return;
    }
    if (tree.kind === 'scalar') {
      this.#find(tree, 'yaml-alias', 'only maps can be merged with "<<"');
      return;
    }
    for (const [key, entry] of tree.entries) if (!entries.has(key)) entries.set(key, entry);
  }

  #find(span: Span, code: string, what: string, rest: { why?: string; fix?: string } = {}): void {
    this.findings.push(finding(span.start, span.end, code, what, rest));
  }
}

function isMergeKey(node: unknown): boolean {
  if (!isScalar(node)) return false;
  const value: unknown = node.value;
  if (typeof value === 'symbol') return value.description === '<<';
  return value === '<<' && (node.type === undefined || node.type === 'PLAIN');
}

function spanOf(node: unknown, around: Span): Span {
  const range = (node as Node | null)?.range;
  if (range === null || range === undefined || range[0] === range[1]) return around;
  return { start: range[0], end: range[1] };
}

/** The plain value, as the schema wants to see it. */
export function plainValue(tree: YamlTree): Json {
  if (tree.kind === 'scalar') return tree.value;
  if (tree.kind === 'list') return tree.items.map(plainValue);
  return Object.fromEntries(
    [...tree.entries].map(([key, entry]) => [key, plainValue(entry.value)]),
  );
}

/** The part of a tree at a key, or undefined where the tree is no map or has no such key. */
export function entryOf(tree: YamlTree | undefined, key: string): MapEntry | undefined {
  return tree?.kind === 'map' ? tree.entries.get(key) : undefined;
}
