/** Thrown by a helper; the caller knows the place and puts it in. */
export class HelperFault extends Error {}

type Helper = (values: readonly unknown[], named: Readonly<Record<string, unknown>>) => unknown;

export interface HelperSpec {
  /** How many values it takes, at least and at most. */
  readonly takes: readonly [number, number];
  /** Which options (`name=value`) it knows. */
  readonly named?: readonly string[];
  /** Its values may be missing variables, which then are undefined; the last one only if `'all'`. */
  readonly lenient?: 'but last' | 'all';
  readonly run: Helper;
}

/** The words that Handlebars itself has for blocks, and how many values each takes. */
export const blocks: ReadonlyMap<string, readonly string[]> = new Map([
  ['if', ['includeZero']],
  ['unless', ['includeZero']],
  ['each', []],
  ['with', []],
]);

export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  return value === undefined ? 'nothing' : `a ${typeof value}`;
}

export function isPrintable(value: unknown): value is string | number | boolean | bigint {
  return ['string', 'number', 'boolean', 'bigint'].includes(typeof value);
}

/** As `#if` sees it: an empty list is false too. */
function isTrue(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : Boolean(value);
}

function text(value: unknown): string {
  if (!isPrintable(value)) throw new HelperFault(`takes a text, not ${kindOf(value)}`);
  return String(value);
}

/** A secret is a token until it is sent: changed letters would make another token of it. */
function plain(value: unknown): string {
  const given = text(value);
  if (given.includes('⟦secret:')) throw new HelperFault('cannot change a secret');
  return given;
}

function count(value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 1000) {
    return value;
  }
  throw new HelperFault(`takes a whole number from 0 to 1000, not ${text(value)}`);
}

/** Double quotes with escapes that TOML, YAML and JSON all read alike. */
function quoted(value: unknown): string {
  return JSON.stringify(text(value)).replaceAll('\u007F', String.raw`\u007f`);
}

function join([list, separator = ' ']: readonly unknown[]): string {
  if (!Array.isArray(list)) throw new HelperFault(`takes a list, not ${kindOf(list)}`);
  return list.map(text).join(text(separator));
}

function indent([value, spaces]: readonly unknown[]): string {
  return text(value).replaceAll(/^(?=[^\n])/gm, ' '.repeat(count(spaces)));
}

function lookup([from, key]: readonly unknown[]): unknown {
  const name = text(key);
  if (from === null || typeof from !== 'object') {
    throw new HelperFault(`looks into a list or a map, not into ${kindOf(from)}`);
  }
  if (!Object.hasOwn(from, name)) throw new HelperFault(`finds no "${name}"`);
  return (from as Record<string, unknown>)[name];
}

/** What templates may call; docs/templates.md describes each. */
export const helpers: ReadonlyMap<string, HelperSpec> = new Map(
  Object.entries<HelperSpec>({
    default: {
      takes: [2, 2],
      lenient: 'but last',
      run: ([value, fallback]) => value ?? fallback,
    },
    defined: { takes: [1, 1], lenient: 'all', run: ([value]) => value !== undefined },
    join: { takes: [1, 2], run: join },
    json: {
      takes: [1, 1],
      named: ['indent'],
      run: ([value], { indent: spaces = 0 }) => JSON.stringify(value, undefined, count(spaces)),
    },
    indent: { takes: [2, 2], run: indent },
    quote: { takes: [1, 1], run: ([value]) => quoted(value) },
    lower: { takes: [1, 1], run: ([value]) => plain(value).toLowerCase() },
    upper: { takes: [1, 1], run: ([value]) => plain(value).toUpperCase() },
    eq: { takes: [2, 2], run: ([a, b]) => a === b },
    ne: { takes: [2, 2], run: ([a, b]) => a !== b },
    not: { takes: [1, 1], run: ([value]) => !isTrue(value) },
    and: { takes: [2, 16], run: (values) => values.every(isTrue) },
    or: { takes: [2, 16], run: (values) => values.some(isTrue) },
    lookup: { takes: [2, 2], run: lookup },
  }),
);
