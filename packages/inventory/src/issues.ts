import { alternatives, didYouMean, nearest, typeName, type Diagnostic } from '@skerry/diagnostics';
import type { z } from 'zod';
import { inventoryFile } from './file-schema.ts';
import type { FormatFault } from './formats.ts';
import { knownKeysAt } from './known-keys.ts';
import { connectionSettings, nodeSettings } from './schema.ts';
import { isSensitiveKey } from './sensitive.ts';
import type { SourceText } from './source-text.ts';
import type { MapEntry, YamlTree } from './yaml-tree.ts';

type Issue = z.core.$ZodIssue;
type Place = { readonly start: number; readonly end: number };

/** What Ansible calls it, and what it is called here. */
const ansibleNames: Readonly<Record<string, string>> = {
  ansible_host: 'address',
  ansible_user: 'connection: {user: …}',
  ansible_port: 'connection: {port: …}',
  ansible_connection: 'connection: {transport: …}',
  ansible_ssh_private_key_file: 'connection: {key: …}',
  ansible_ssh_pass: 'connection: {password: …}, by reference',
  ansible_password: 'connection: {password: …}, by reference',
  ansible_become: 'connection: {sudo: …}',
  ansible_become_password: 'connection: {sudo: {password: …}}, by reference',
};

/** What Cilium's chart calls it, or once called it, and what it is called here. */
const ciliumNames: Readonly<Record<string, string>> = {
  tunnel: 'routing: native" (for "tunnel: disabled"), "routing: vxlan" or "routing: geneve',
  tunnelProtocol: 'routing: vxlan" or "routing: geneve',
  routingMode: 'routing: native',
  nativeRoutingCIDR: 'nativeNetwork: …',
  ipv4NativeRoutingCIDR: 'nativeNetwork: …',
  autoDirectNodeRoutes: 'directRoutes: …',
  kubeProxyReplacement: 'proxy: none" below "network:',
};

/** What the schema has to say, in our words and with positions. Values are never repeated. */
export function issueDiagnostics(
  issues: readonly Issue[],
  tree: YamlTree,
  source: SourceText,
): Diagnostic[] {
  return issues.flatMap((issue) => new Report(tree, source).of(issue, []));
}

class Report {
  readonly #tree: YamlTree;
  readonly #source: SourceText;

  constructor(tree: YamlTree, source: SourceText) {
    this.#tree = tree;
    this.#source = source;
  }

  of(issue: Issue, prefix: readonly PropertyKey[]): Diagnostic[] {
    const path = [...prefix, ...issue.path];
    switch (issue.code) {
      case 'unrecognized_keys':
        return issue.keys.map((key) => this.#unknownKey(path, key));
      case 'invalid_union':
        return this.#union(issue, path);
      case 'invalid_key':
        return issue.issues.flatMap((inner) => this.#atKey(inner, path));
      case 'invalid_type':
        return [this.#type(path, [issue.expected])];
      case 'custom':
        return [this.#custom(issue, path, this.#value(path))];
      case 'invalid_value': {
        const values = issue.values.map(String);
        const value = this.#find(path).tree;
        const given = value?.kind === 'scalar' ? String(value.value) : '';
        return [
          this.#at(path, 'invalid-value', `${named(path)} must be ${alternatives(values)}`, {
            fix: didYouMean(given, values) ?? boolAdvice(value),
          }),
        ];
      }
      case 'too_small':
      case 'too_big':
        return [this.#size(issue, path)];
      case 'invalid_element':
      case 'invalid_format':
      case 'not_multiple_of':
        return [this.#at(path, 'invalid-value', `${named(path)} is not valid: ${issue.message}`)];
    }
  }

  #unknownKey(path: readonly PropertyKey[], key: string): Diagnostic {
    const known = knownKeysAt(inventoryFile, path);
    const { tree } = this.#find(path);
    const entry = tree?.kind === 'map' ? tree.entries.get(key) : undefined;
    if (entry !== undefined && isSensitiveKey(key)) {
      this.#source.hide(entry.value.start, entry.value.end);
    }
    const where = path.length === 0 ? 'at the top of the file' : `in "${path.at(-1)?.toString()}"`;
    return this.#place(entry?.key ?? this.#find(path).place, {
      code: 'unknown-key',
      what: `unknown key "${key}" ${where}`,
      why: `known here: ${known.join(', ')}`,
      fix: this.#adviceFor(key, known),
    });
  }

  #adviceFor(key: string, known: readonly string[]): string | undefined {
    const near = didYouMean(key, known);
    if (near !== undefined) return near;
    const ansible = ansibleNames[key];
    if (ansible !== undefined) return `Ansible's "${key}" is written "${ansible}" here`;
    const cilium = known.includes('l2Announcements') ? ciliumNames[key] : undefined;
    if (cilium !== undefined) return `Cilium's "${key}" is written "${cilium}" here`;
    if (known.includes('connection') && key in connectionSettings.shape) {
      return `"${key}" belongs below "connection:"`;
    }
    if (known.includes('node') && key in nodeSettings.shape) {
      return `"${key}" belongs below "node:"`;
    }
    return known.includes('vars') ? 'values of your own belong below "vars:"' : undefined;
  }

  /** The options that fit the value's type speak; where none does, all types are named at once. */
  #union(
    issue: Extract<Issue, { code: 'invalid_union' }>,
    path: readonly PropertyKey[],
  ): Diagnostic[] {
    const isRootType = (one: Issue): boolean =>
      one.path.length === 0 && (one.code === 'invalid_type' || one.code === 'invalid_value');
    const fitting = issue.errors.filter((option) => !option.some(isRootType));
    const best = fitting.find((option) => option.some((one) => one.code === 'custom'));
    const chosen = best ?? (fitting.length > 0 ? fitting[0] : undefined);
    if (chosen !== undefined) return chosen.flatMap((inner) => this.of(inner, path));
    const { tree } = this.#find(path);
    const values = issue.errors
      .flat()
      .flatMap((one) => (one.code === 'invalid_value' ? one.values : []));
    if (tree?.kind === 'scalar' && typeof tree.value === 'string' && values.length > 0) {
      return [
        this.#at(
          path,
          'invalid-value',
          `${named(path)} must be ${alternatives(values.map(String))}`,
          {
            fix: didYouMean(tree.value, values.map(String)) ?? boolAdvice(tree),
          },
        ),
      ];
    }
    const expected = issue.errors
      .flat()
      .flatMap((one) => (one.code === 'invalid_type' ? one.expected : []));
    return [this.#type(path, [...new Set(expected)])];
  }

  #atKey(issue: Issue, path: readonly PropertyKey[]): Diagnostic[] {
    const entry = this.#find(path).entry;
    if (issue.code !== 'custom') return [this.#at(path, 'invalid-key', `this key is not valid`)];
    const diagnostic = this.#custom(issue, path, String(path.at(-1)));
    return [
      entry === undefined
        ? diagnostic
        : { ...diagnostic, at: this.#source.at(entry.key.start, entry.key.end) },
    ];
  }

  #custom(
    issue: Extract<Issue, { code: 'custom' }>,
    path: readonly PropertyKey[],
    value: unknown,
  ): Diagnostic {
    const fault = issue.params as (FormatFault & Record<string, unknown>) | undefined;
    const code = fault?.code ?? 'invalid-value';
    return this.#at(path, code, `${named(path)} ${issue.message}`, {
      why: fault?.why,
      fix: code === 'invalid-sysctl-key' ? sysctlAdvice(String(value)) : fault?.fix,
    });
  }

  #type(path: readonly PropertyKey[], expected: readonly string[]): Diagnostic {
    const { tree } = this.#find(path);
    const must = alternatives([...new Set(expected.map(typeName))], false);
    if (tree === undefined) {
      return this.#at(path, 'missing-key', `${named(path)} is missing`, {
        why: `it must be there, as ${must}`,
      });
    }
    return this.#at(path, 'wrong-type', `${named(path)} must be ${must}, not ${kindOf(tree)}`, {
      fix: typeAdvice(tree, expected),
    });
  }

  #size(
    issue: Extract<Issue, { code: 'too_small' | 'too_big' }>,
    path: readonly PropertyKey[],
  ): Diagnostic {
    const least = issue.code === 'too_small';
    const limit = least ? issue.minimum : issue.maximum;
    const unit =
      issue.origin === 'string' ? ' characters' : issue.origin === 'array' ? ' items' : '';
    const bound =
      issue.inclusive === false ? (least ? 'above' : 'below') : least ? 'at least' : 'at most';
    const have = unit === '' ? 'be' : 'have';
    return this.#at(path, 'invalid-value', `${named(path)} must ${have} ${bound} ${limit}${unit}`);
  }

  #at(
    path: readonly PropertyKey[],
    code: string,
    what: string,
    rest: { why?: string | undefined; fix?: string | undefined } = {},
  ): Diagnostic {
    return this.#place(this.#find(path).place, { code, what, ...rest });
  }

  #place(
    place: Place,
    {
      code,
      what,
      why,
      fix,
    }: { code: string; what: string; why?: string | undefined; fix?: string | undefined },
  ): Diagnostic {
    return {
      code,
      severity: 'error',
      what,
      at: this.#source.at(place.start, place.end),
      ...(why === undefined ? {} : { why }),
      ...(fix === undefined ? {} : { fix }),
    };
  }

  #value(path: readonly PropertyKey[]): unknown {
    const { tree } = this.#find(path);
    return tree?.kind === 'scalar' ? tree.value : undefined;
  }

  /** The value at a path; a map or list is pointed at by its key, a missing value by what should hold it. */
  #find(path: readonly PropertyKey[]): {
    tree: YamlTree | undefined;
    entry: MapEntry | undefined;
    place: Place;
  } {
    let tree: YamlTree | undefined = this.#tree;
    let entry: MapEntry | undefined;
    let place: Place = { start: this.#tree.start, end: this.#tree.start + 1 };
    for (const part of path) {
      const parent: YamlTree | undefined = tree;
      entry = parent?.kind === 'map' ? parent.entries.get(String(part)) : undefined;
      tree = parent?.kind === 'list' ? parent.items[Number(part)] : entry?.value;
      if (tree === undefined) return { tree, entry, place };
      place = tree.kind === 'scalar' || entry === undefined ? tree : entry.key;
    }
    return { tree, entry, place };
  }
}

function named(path: readonly PropertyKey[]): string {
  const last = path.at(-1);
  if (last === undefined) return 'the inventory';
  return typeof last === 'number'
    ? `item ${last + 1} of ${named(path.slice(0, -1))}`
    : `"${String(last)}"`;
}

function kindOf(tree: YamlTree): string {
  if (tree.kind !== 'scalar') return tree.kind === 'list' ? 'a list' : 'a map';
  if (tree.value === null) return 'empty';
  if (typeof tree.value === 'number') {
    return Number.isInteger(tree.value) ? 'a number' : 'a number with a fraction';
  }
  return typeof tree.value === 'string' ? 'text' : 'true or false';
}

function boolAdvice(tree: YamlTree | undefined): string | undefined {
  if (tree?.kind !== 'scalar' || typeof tree.value !== 'string') return undefined;
  return /^(yes|no|on|off)$/i.test(tree.value)
    ? 'YAML 1.2 knows true and false; yes, no, on and off are text'
    : undefined;
}

function typeAdvice(tree: YamlTree, expected: readonly string[]): string | undefined {
  if (tree.kind !== 'scalar') return undefined;
  const { value } = tree;
  const wants = (...types: string[]): boolean => types.some((type) => expected.includes(type));
  if (wants('boolean') && typeof value === 'string') return boolAdvice(tree);
  if (wants('number', 'int') && typeof value === 'boolean') return 'write 1 or 0';
  if (wants('number', 'int') && typeof value === 'string' && /^-?[0-9.]+$/.test(value)) {
    return 'leave out the quotes';
  }
  if (wants('array') && value !== null) return 'write it as a list: [ … ]';
  if (wants('string') && (typeof value === 'number' || typeof value === 'boolean')) {
    return 'put it in quotes';
  }
  return value === null ? 'give it a value, or leave out the key' : undefined;
}

function sysctlAdvice(key: string): string | undefined {
  const assignment = /^([\w./*-]+)\s*=\s*(.+)$/.exec(key);
  if (assignment !== null) return `write ${assignment[1]}: ${assignment[2]}`;
  const near = nearest(key.replaceAll(/\s/g, ''), ['net', 'vm', 'kernel', 'fs']);
  if (near !== undefined) return `write the whole name, like ${near}.…`;
  return 'write a name as `sysctl -a` shows it, like net.core.somaxconn';
}
