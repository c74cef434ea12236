import { isDeepStrictEqual } from 'node:util';

/** Two trees with only what is worth comparing: before and after a server-side apply. */
export interface Difference {
  readonly before: unknown;
  readonly after: unknown;
}

type Unwanted = 'owned' | 'ours' | "anybody's";

/** What the server counts and writes itself, at each change. */
const written: ReadonlySet<string> = new Set([
  'generation',
  'resourceVersion',
  'status',
  'deprecated.daemonset.template.generation',
]);

type Tree = { readonly [key: string]: unknown };

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * What an apply changes of an object, as two trees that are equal where it changes nothing. They hold
 * the fields that are wanted, each as the server has it, and those that go because they were ours and
 * are no longer wanted. What the server or somebody else filled in is left out.
 *
 * `unwanted` says what to make of a field that is not wanted and goes: `ours`, or `anybody's` where
 * somebody else wrote the object between the two answers; `owned` where the object itself says that we own
 * such a field: then it may also get the value that the server fills in. Kubernetes takes the taint off a node that
 * has become ready: nobody can tell that from what an apply of ours takes away, until the next look.
 */
export function differenceOf(
  wanted: unknown,
  live: unknown,
  applied: unknown,
  unwanted: Unwanted = 'ours',
): Difference {
  if (isTree(live) && isTree(applied)) {
    return ofTrees(isTree(wanted) ? wanted : {}, live, applied, unwanted);
  }
  if (Array.isArray(live) && Array.isArray(applied)) {
    return ofLists(Array.isArray(wanted) ? wanted : undefined, live, applied, unwanted);
  }
  // Something new: as far as it is wanted, without what the server filled in.
  const whole = wanted === undefined || applied === undefined || live !== undefined;
  const after = whole ? applied : differenceOf(wanted, applied, applied, unwanted).after;
  return { before: live, after };
}

function ofTrees(wanted: Tree, live: Tree, applied: Tree, unwanted: Unwanted): Difference {
  const before: Record<string, unknown> = {};
  const after: Record<string, unknown> = {};
  const put = (key: string, one: Difference): void => {
    if (one.before !== undefined) before[key] = one.before;
    if (one.after !== undefined) after[key] = one.after;
  };
  for (const [key, value] of Object.entries(wanted)) {
    const one = differenceOf(value, live[key], applied[key], unwanted);
    put(key, {
      before: isBare(one.before, live[key]) ? undefined : one.before,
      after: isBare(one.after, applied[key]) ? undefined : one.after,
    });
  }
  for (const [key, value] of Object.entries(live)) {
    if (key in wanted || unwanted === "anybody's") continue;
    if (!(key in applied)) before[key] = value;
    else {
      const inside = removedFrom(value, applied[key], unwanted);
      if (inside !== undefined && !written.has(key)) put(key, inside);
    }
  }
  return { before, after };
}

/** Whether of a part that holds something nothing is worth showing. */
function isBare(left: unknown, whole: unknown): boolean {
  return (
    isTree(left) && isTree(whole) && Object.keys(left).length === 0 && Object.keys(whole).length > 0
  );
}

/** What goes from a part that nobody wants anything of now; undefined where nothing goes. */
function removedFrom(live: unknown, applied: unknown, unwanted: Unwanted): Difference | undefined {
  if (isTree(live) && isTree(applied)) {
    const found = ofTrees({}, live, applied, unwanted);
    return Object.keys(found.before as Tree).length > 0 ? found : undefined;
  }
  if (Array.isArray(live) && Array.isArray(applied)) {
    if (unwanted === 'owned') {
      return isDeepStrictEqual(live, applied) ? undefined : { before: live, after: applied };
    }
    const left = new Set(applied.map((item) => JSON.stringify(item)));
    const gone = live.some((item) => !left.has(JSON.stringify(item)));
    return gone && live.length > applied.length ? { before: live, after: applied } : undefined;
  }
  return unwanted === 'owned' && !isDeepStrictEqual(live, applied)
    ? { before: live, after: applied }
    : undefined;
}

/** Fields by which lists of Kubernetes' APIs tell their items apart (`x-kubernetes-list-map-keys`). */
const itemKeys = [
  ['containerPort', 'protocol'],
  ['port', 'protocol'],
  ['mountPath'],
  ['devicePath'],
  ['topologyKey', 'whenUnsatisfiable'],
  ['key', 'effect'],
  ['name'],
  ['key'],
  ['type'],
  ['ip'],
  ['uid'],
] as const;

/** Gives an item its name in a list, for the first keys that tell all items apart. */
function itemNames(lists: readonly (readonly unknown[])[]): ((item: Tree) => string) | undefined {
  for (const keys of itemKeys) {
    const nameOf = (item: unknown): string | undefined =>
      isTree(item) && item[keys[0]] !== undefined
        ? JSON.stringify(keys.map((key) => item[key] ?? (key === 'protocol' ? 'TCP' : null)))
        : undefined;
    const apart = lists.every((items) => {
      const names = new Set(items.map(nameOf));
      return names.size === items.length && !names.has(undefined);
    });
    if (apart) return (item) => nameOf(item) ?? '';
  }
  return undefined;
}

function ofLists(
  wanted: readonly unknown[] | undefined,
  live: readonly unknown[],
  applied: readonly unknown[],
  unwanted: Unwanted,
): Difference {
  if (wanted === undefined) {
    const gone = unwanted === "anybody's" ? undefined : removedFrom(live, applied, unwanted);
    return gone ?? { before: live, after: live };
  }
  if (!live.some(isTree) && !applied.some(isTree)) return { before: live, after: applied };
  const nameOf = itemNames([wanted, live, applied]);
  if (nameOf === undefined) {
    if (wanted.length !== live.length || wanted.length !== applied.length) {
      return { before: live, after: applied };
    }
    const items = wanted.map((item, index) =>
      differenceOf(item, live[index], applied[index], unwanted),
    );
    return { before: items.map((one) => one.before), after: items.map((one) => one.after) };
  }
  const [ours, were, are] = [wanted, live, applied].map(
    (items) => new Map(items.map((item) => [nameOf(item as Tree), item])),
  ) as [Map<string, unknown>, Map<string, unknown>, Map<string, unknown>];
  const items = new Map<string, Difference>();
  for (const name of new Set([...were.keys(), ...are.keys()])) {
    const [was, is] = [were.get(name), are.get(name)];
    // An item of somebody else, that an apply leaves alone.
    if (!ours.has(name) && (is !== undefined || unwanted === "anybody's")) continue;
    items.set(name, differenceOf(ours.get(name), was, is, unwanted));
  }
  // Their order may count: environment variables name those before them.
  const before = [...were.keys()].flatMap((name) => items.get(name)?.before ?? []);
  const after = [...are.keys()].flatMap((name) => items.get(name)?.after ?? []);
  return { before, after };
}
