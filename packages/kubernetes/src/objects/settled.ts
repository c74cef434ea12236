import { isDeepStrictEqual } from 'node:util';
import { fieldManager, type LiveObject } from './ownership.ts';

type Tree = { readonly [key: string]: unknown };

/** Of an object's `metadata.managedFields` what one manager owns. */
interface ManagedFields {
  readonly manager?: string;
  readonly operation?: string;
  readonly subresource?: string;
  readonly apiVersion?: string;
  /** A tree of `f:FIELD`, `k:{"name":"…"}` and `v:VALUE`; a part without such keys is owned as a whole. */
  readonly fieldsV1?: Tree;
}

/**
 * Whether a server-side apply of what is wanted would change nothing: our manager owns just the fields that
 * are wanted, and they have the wanted values. Whoever else changes a field that we own takes it over, and a
 * field that is no longer wanted is still owned; both show. `live` comes with its managed fields.
 *
 * false means only that nobody can tell so without the server: it writes quantities and defaults its own way.
 */
export function isSettled(wanted: LiveObject, live: LiveObject): boolean {
  const managed = (live.metadata['managedFields'] ?? []) as readonly ManagedFields[];
  const ours = managed.find(
    ({ manager, operation, subresource = '' }) =>
      manager === fieldManager && operation === 'Apply' && subresource === '',
  );
  if (ours?.fieldsV1 === undefined || ours.apiVersion !== wanted.apiVersion) return false;
  const { apiVersion: _, kind: __, metadata, ...others } = wanted;
  const { name: ___, namespace: ____, ...about } = metadata;
  return isOwnedAlike({ ...others, metadata: about }, live, ours.fieldsV1, '');
}

/** The same without what tells who manages which fields. */
export function withoutManagers(live: LiveObject): LiveObject {
  const { managedFields: _, ...metadata } = live.metadata;
  return { ...live, metadata };
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `within` is the name of the field that holds these. */
function isOwnedAlike(wanted: unknown, live: unknown, owned: Tree, within: string): boolean {
  const parts = Object.entries(owned).filter(([key]) => key !== '.') as [string, Tree][];
  if (parts.length === 0) {
    return isSame(wanted, live, within) || (live === undefined && isNothing(wanted));
  }
  if (isTree(wanted) && isTree(live)) return areFieldsAlike(wanted, live, parts);
  if (Array.isArray(wanted) && Array.isArray(live)) return areItemsAlike(wanted, live, parts);
  return false;
}

function areFieldsAlike(wanted: Tree, live: Tree, parts: readonly [string, Tree][]): boolean {
  const names = Object.keys(wanted).filter((name) => wanted[name] !== null);
  return (
    names.length === parts.length &&
    parts.every(
      ([key, part]) =>
        key.startsWith('f:') &&
        names.includes(key.slice(2)) &&
        isOwnedAlike(wanted[key.slice(2)], live[key.slice(2)], part, key.slice(2)),
    )
  );
}

function areItemsAlike(
  wanted: readonly unknown[],
  live: readonly unknown[],
  parts: readonly [string, Tree][],
): boolean {
  return (
    wanted.length === parts.length &&
    parts.every(([key, part]) => {
      const name = JSON.parse(key.slice(2)) as unknown;
      if (key.startsWith('v:')) return wanted.includes(name) && live.includes(name);
      if (!key.startsWith('k:') || !isTree(name)) return false;
      const meant = itemWith(name, wanted, 'all') ?? itemWith(name, wanted, 'or lacks them');
      const found = itemWith(name, live, 'all');
      return meant !== undefined && found !== undefined && isOwnedAlike(meant, found, part, '');
    })
  );
}

/** What the server takes as said, and does not write down. */
function isNothing(wanted: unknown): boolean {
  return !wanted || (typeof wanted === 'object' && Object.keys(wanted).length === 0);
}

/** The one item with these keys; of those that the server fills in some need not be written. */
function itemWith(keys: Tree, items: readonly unknown[], how: 'all' | 'or lacks them'): unknown {
  const found = items.filter(
    (item) =>
      isTree(item) &&
      Object.entries(keys).every(
        ([key, value]) => item[key] === value || (how === 'or lacks them' && !(key in item)),
      ),
  );
  return found.length === 1 ? found[0] : undefined;
}

/**
 * What the server fills in inside of parts that are owned as a whole, by the name of the field that holds it,
 * from the API's reference: there it cannot be told from what was once written.
 */
const filledIn: Readonly<Record<string, Tree>> = {
  fieldRef: { apiVersion: 'v1' },
  subjects: { apiGroup: 'rbac.authorization.k8s.io' },
  rules: { scope: '*' },
  ports: { protocol: 'TCP' },
  serviceAccountToken: { expirationSeconds: 3600 },
};

/** A part that is owned as a whole. */
function isSame(wanted: unknown, live: unknown, within: string): boolean {
  if (Array.isArray(wanted) && Array.isArray(live)) {
    return (
      wanted.length === live.length &&
      wanted.every((item, index) => isSame(item, live[index], within))
    );
  }
  if (!isTree(wanted) || !isTree(live)) return isDeepStrictEqual(wanted, live);
  const defaults = filledIn[within] ?? {};
  return [...new Set([...Object.keys(wanted), ...Object.keys(live)])].every((key) =>
    key in live && !(key in wanted)
      ? defaults[key] === live[key]
      : isSame(wanted[key], live[key], key),
  );
}
