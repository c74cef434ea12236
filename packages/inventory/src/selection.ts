import { DiagnosticError, didYouMean, type Diagnostic } from '@skerry/diagnostics';
import { globMatcher, isGlob } from './glob.ts';
import type { Host, Inventory } from './model.ts';
import { expandRanges } from './ranges.ts';

export interface SelectOptions {
  /** Where the pattern was written, to be named in errors: `--limit`, `play "Kernel"`. */
  readonly source?: string;
  /**
   * Take an empty result as it is, and let roles and globs match nothing: for plays, which are
   * written before the inventory. Names of hosts and groups must be known all the same.
   */
  readonly allowEmpty?: boolean;
}

interface Term {
  readonly sign: '' | '&' | '!';
  readonly name: string;
  /** Offset of the name in the pattern. */
  readonly start: number;
}

/**
 * The hosts that a pattern selects, in the order of the inventory. Terms are separated by `:` or `,`:
 *
 * - `node-01`, `workers`, `all` or `*`: a host, a group, every host
 * - `node-[01:03]`, `db-*`, `node-0[13]`: ranges and globs, over the names of hosts and groups
 * - `role=worker`: the hosts with a role, a glob perhaps
 * - `&term`: only those that are in this one as well; `!term`: not these
 *
 * As in Ansible the order of terms does not matter: first all plain terms together (every host, where
 * there is none), then `&`, then `!`. Throws a DiagnosticError with every term that is unknown, or when
 * nothing is left.
 */
export function selectHosts(
  inventory: Inventory,
  pattern: string,
  options: SelectOptions = {},
): readonly Host[] {
  const source = options.source ?? 'selection';
  const faults: Diagnostic[] = [];
  const fault = (term: Pick<Term, 'name' | 'start'>, rest: Omit<Diagnostic, 'severity' | 'at'>) => {
    const at = {
      file: source,
      line: 1,
      column: term.start + 1,
      text: pattern,
      length: Math.max(1, term.name.length),
    };
    faults.push({ ...rest, severity: 'error', at });
  };
  const terms = termsOf(pattern);
  const sets = terms.map((term) => ({
    sign: term.sign,
    hosts: matching(inventory, term, options, fault),
  }));
  if (terms.length === 0) {
    fault(
      { name: pattern, start: 0 },
      {
        code: 'empty-selection',
        what: 'the pattern is empty',
        fix: 'write "all" for every host',
      },
    );
  }
  if (faults.length > 0) throw new DiagnosticError(faults);
  const plain = sets.filter((set) => set.sign === '');
  const selected = inventory.hosts.filter(
    ({ name }) =>
      (plain.length === 0 || plain.some((set) => set.hosts.has(name))) &&
      sets.every((set) => set.sign !== '&' || set.hosts.has(name)) &&
      sets.every((set) => set.sign !== '!' || !set.hosts.has(name)),
  );
  if (selected.length === 0 && options.allowEmpty !== true) {
    fault(
      { name: pattern, start: 0 },
      {
        code: 'empty-selection',
        what: `"${pattern}" selects no host`,
        why: sets
          .map(
            (set, index) =>
              `${terms[index]?.sign}${terms[index]?.name}: ${set.hosts.size} of ${inventory.hosts.length} hosts`,
          )
          .join('; '),
        fix: '`bootstrap inventory` shows groups, hosts and roles',
      },
    );
    throw new DiagnosticError(faults);
  }
  return selected;
}

/** Splits at `:` and `,` outside of brackets and braces. */
function termsOf(pattern: string): Term[] {
  const terms: Term[] = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at <= pattern.length; at += 1) {
    const character = pattern[at];
    if (character === '[' || character === '{') depth += 1;
    else if (character === ']' || character === '}') depth -= 1;
    if (at < pattern.length && (depth > 0 || (character !== ':' && character !== ','))) continue;
    const match = /^(\s*)([!&]?)\s*/.exec(pattern.slice(from, at));
    const lead = match?.[0].length ?? 0;
    const name = pattern.slice(from + lead, at).trimEnd();
    const sign = (match?.[2] ?? '') as Term['sign'];
    if (name !== '' || sign !== '') terms.push({ sign, name, start: from + lead });
    from = at + 1;
  }
  return terms;
}

type Fault = (term: Term, rest: Omit<Diagnostic, 'severity' | 'at'>) => void;

/** Names of the hosts that one term means. */
function matching(
  inventory: Inventory,
  term: Term,
  options: SelectOptions,
  fault: Fault,
): ReadonlySet<string> {
  const lenient = options.allowEmpty === true || term.sign === '!';
  if (term.name.startsWith('role=')) return withRole(inventory, term, lenient, fault);
  if (term.name === 'all' || term.name === '*') {
    return new Set(inventory.hosts.map((host) => host.name));
  }
  const isRange = /\[[^\]]*:/.test(term.name);
  const expansion = isRange ? expandRanges(term.name) : { texts: [term.name] };
  if ('fault' in expansion) {
    fault(term, {
      code: 'bad-range',
      what: `the range in "${term.name}" is not valid`,
      ...expansion.fault,
    });
    return new Set();
  }
  const found = new Set<string>();
  const names = namesOf(inventory);
  const unknown: string[] = [];
  for (const name of expansion.texts) {
    const hits = isGlob(name) ? matchingGlob(name, names) : names.has(name) ? [name] : [];
    if (hits.length === 0 && !(isGlob(name) && lenient)) unknown.push(name);
    for (const hit of hits) for (const host of names.get(hit) ?? []) found.add(host);
  }
  const [first] = unknown;
  if (first !== undefined) {
    const more = unknown.length > 1 ? ` (nor ${unknown.length - 1} more of "${term.name}")` : '';
    fault(term, {
      code: 'unknown-host',
      what: isGlob(first)
        ? `no host and no group matches "${first}"`
        : `there is no host and no group "${first}"${more}`,
      ...advice(first, names.keys(), inventory),
    });
  }
  return found;
}

function withRole(inventory: Inventory, term: Term, lenient: boolean, fault: Fault): Set<string> {
  const role = term.name.slice('role='.length);
  const matches = isGlob(role) ? globMatcher(role) : (name: string) => name === role;
  const hosts = inventory.hosts.filter((host) => host.roles.some(matches));
  if (hosts.length === 0 && (!lenient || role === '')) {
    const roles = new Set(inventory.hosts.flatMap((host) => host.roles));
    fault(term, {
      code: 'unknown-role',
      what: role === '' ? 'a role is missing after "role="' : `no host has the role "${role}"`,
      why: roles.size === 0 ? 'no host has a role' : `the roles are ${[...roles].join(', ')}`,
      ...fixOf(didYouMean(role, roles)),
    });
  }
  return new Set(hosts.map((host) => host.name));
}

/** Every name that can be selected, with the hosts that it means. */
function namesOf(inventory: Inventory): ReadonlyMap<string, readonly string[]> {
  const names = new Map<string, readonly string[]>();
  for (const host of inventory.hosts) names.set(host.name, [host.name]);
  for (const group of inventory.groups.values()) names.set(group.name, group.hosts);
  return names;
}

function matchingGlob(glob: string, names: ReadonlyMap<string, unknown>): string[] {
  const matches = globMatcher(glob);
  return [...names.keys()].filter((name) => name !== 'all' && matches(name));
}

function advice(
  name: string,
  names: Iterable<string>,
  inventory: Inventory,
): { why?: string; fix?: string } {
  const roles = new Set(inventory.hosts.flatMap((host) => host.roles));
  if (roles.has(name)) return { fix: `"${name}" is a role: write role=${name}` };
  return fixOf(didYouMean(name, names) ?? '`bootstrap inventory` shows groups and hosts');
}

function fixOf(fix: string | undefined): { fix?: string } {
  return fix === undefined ? {} : { fix };
}
