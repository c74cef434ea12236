import { isDeepStrictEqual } from 'node:util';
import { kindOf } from './desired-objects.ts';
import { fieldManager, type LiveObject } from './ownership.ts';
import { isSameQuantity } from './quantity.ts';

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
 * false means only that nobody can tell so without the server: it writes some values and defaults its own way.
 */
export function isSettled(wanted: LiveObject, live: LiveObject): boolean {
  const owned = ownedFields(live);
  if (owned?.apiVersion !== wanted.apiVersion) return false;
  return new Comparison(wanted).isOwnedAlike(bare(wanted), live, owned.fieldsV1);
}

/** Whether our manager owns something that is not wanted: what goes, goes because it was ours. */
export function ownsUnwanted(wanted: LiveObject, live: LiveObject): boolean {
  const owned = ownedFields(live);
  return (
    owned !== undefined && new Comparison(wanted).hasUnwanted(bare(wanted), live, owned.fieldsV1)
  );
}

/** The same without what tells who manages which fields. */
export function withoutManagers(live: LiveObject): LiveObject {
  const { managedFields: _, ...metadata } = live.metadata;
  return { ...live, metadata };
}

/** Of one manager's server-side applies there is one entry, whatever the versions. */
function ownedFields(
  live: LiveObject,
): { readonly apiVersion: string | undefined; readonly fieldsV1: Tree } | undefined {
  const managed = (live.metadata['managedFields'] ?? []) as readonly ManagedFields[];
  const ours = managed.find(
    ({ manager, operation, subresource = '' }) =>
      manager === fieldManager && operation === 'Apply' && subresource === '',
  );
  const { apiVersion, fieldsV1 } = ours ?? {};
  return fieldsV1 === undefined ? undefined : { apiVersion, fieldsV1 };
}

/** Without what says which object it is, which nobody owns. */
function bare(object: LiveObject): Tree {
  const { apiVersion: _, kind: __, metadata, ...others } = object;
  const { name: ___, namespace: ____, ...about } = metadata;
  return { ...others, metadata: about };
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The parts of what is owned; none where it is owned as a whole. */
function partsOf(owned: Tree): readonly [string, Tree][] {
  return Object.entries(owned).filter(([key]) => key !== '.') as [string, Tree][];
}

/** The item of a list that `k:{…}` or `v:…` stands for. */
function itemOf(key: string, items: readonly unknown[], strictly: boolean): unknown {
  const name: unknown = /^[kv]:/.test(key) ? JSON.parse(key.slice(2)) : undefined;
  if (!isTree(name)) return items.find((item) => isDeepStrictEqual(item, name));
  const found = items.filter(
    (item) =>
      isTree(item) &&
      Object.entries(name).every(([field, value]) =>
        field in item ? item[field] === value : !strictly,
      ),
  );
  return found.length === 1 ? found[0] : undefined;
}

/** As it is wanted: what the server fills in of the keys need not be written. */
function wantedItem(key: string, wanted: readonly unknown[]): unknown {
  return itemOf(key, wanted, true) ?? itemOf(key, wanted, false);
}

const roleBinding = { subjects: { apiGroup: 'rbac.authorization.k8s.io' } };
const webhooks = { rules: { scope: '*' } };
const matching = { matchPolicy: 'Equivalent', namespaceSelector: {}, objectSelector: {} };
const admission = {
  matchConstraints: matching,
  matchResources: matching,
  resourceRules: { scope: '*' },
};
const pods = {
  fieldRef: { apiVersion: 'v1' },
  serviceAccountToken: { expirationSeconds: 3600 },
};

/**
 * By kind, and by the name of the field that holds it, what the server fills in inside of parts that are owned
 * as a whole, from the reference of its APIs: there it cannot be told from what was once written.
 */
const filledIn: Readonly<Record<string, Readonly<Record<string, Tree>>>> = {
  'NetworkPolicy.networking.k8s.io': { ports: { protocol: 'TCP' } },
  'RoleBinding.rbac.authorization.k8s.io': roleBinding,
  'ClusterRoleBinding.rbac.authorization.k8s.io': roleBinding,
  'MutatingWebhookConfiguration.admissionregistration.k8s.io': webhooks,
  'ValidatingWebhookConfiguration.admissionregistration.k8s.io': webhooks,
  'ValidatingAdmissionPolicy.admissionregistration.k8s.io': admission,
  'ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io': admission,
  'Deployment.apps': pods,
  'DaemonSet.apps': pods,
  'StatefulSet.apps': pods,
  'Job.batch': pods,
  'CronJob.batch': pods,
};

/** Kinds that the API server knows itself: it writes no empty lists. */
const builtIn: ReadonlySet<string> = new Set(['v1', 'apps/v1', 'batch/v1']);

class Comparison {
  readonly #defaults: Readonly<Record<string, Tree>>;
  readonly #builtIn: boolean;

  constructor(wanted: LiveObject) {
    this.#defaults = filledIn[kindOf(wanted)] ?? {};
    this.#builtIn = builtIn.has(wanted.apiVersion);
  }

  /** `within` is the name of the field that holds these. */
  isOwnedAlike(wanted: unknown, live: unknown, owned: Tree, within = ''): boolean {
    const parts = partsOf(owned);
    if (parts.length === 0) {
      return this.#isSame(wanted, live, within) || (live === undefined && isNothing(wanted));
    }
    if (isTree(wanted) && isTree(live)) {
      return this.#areFieldsAlike(wanted, live, parts, within);
    }
    if (Array.isArray(wanted) && Array.isArray(live)) {
      return this.#areItemsAlike(wanted, live, parts);
    }
    return false;
  }

  /** Whether something is owned that is not wanted; arguments as for `isOwnedAlike`. */
  hasUnwanted(wanted: unknown, live: unknown, owned: Tree, within = ''): boolean {
    const parts = partsOf(owned);
    if (parts.length === 0) return typeof live === 'object' && !this.#isSame(wanted, live, within);
    return parts.some(([key, part]) => {
      if (isTree(wanted) && isTree(live)) {
        const name = key.slice(2);
        return !(name in wanted) || this.hasUnwanted(wanted[name], live[name], part, name);
      }
      if (!Array.isArray(wanted) || !Array.isArray(live)) return true;
      const item = wantedItem(key, wanted);
      return item === undefined || this.hasUnwanted(item, itemOf(key, live, true), part);
    });
  }

  #areFieldsAlike(
    wanted: Tree,
    live: Tree,
    parts: readonly [string, Tree][],
    within: string,
  ): boolean {
    // The server writes them its own way.
    const quantities = this.#defaults === pods && /^(limits|requests)$/.test(within);
    const owned = new Set(parts.map(([key]) => key));
    const names = Object.keys(wanted).filter(
      (name) =>
        wanted[name] !== undefined &&
        (owned.has(`f:${name}`) || !this.#isUnwritten(wanted[name], live[name])),
    );
    return (
      names.length === parts.length &&
      names.every((name) => owned.has(`f:${name}`)) &&
      parts.every(([key, part]) => {
        const name = key.slice(2);
        return (
          this.isOwnedAlike(wanted[name], live[name], part, name) ||
          (quantities && isSameQuantity(wanted[name], live[name]))
        );
      })
    );
  }

  /** What nobody owns and nobody sees: nothing that is not there, and a list without items. */
  #isUnwritten(wanted: unknown, live: unknown): boolean {
    if (wanted === null) return live === undefined;
    if (!Array.isArray(wanted) || wanted.length > 0) return false;
    return live === undefined ? this.#builtIn : Array.isArray(live) && live.length === 0;
  }

  #areItemsAlike(
    wanted: readonly unknown[],
    live: readonly unknown[],
    parts: readonly [string, Tree][],
  ): boolean {
    const pairs = parts.map(([key, part]) => ({
      part,
      meant: wanted.indexOf(wantedItem(key, wanted)),
      found: live.indexOf(itemOf(key, live, true)),
    }));
    const order = pairs.toSorted((a, b) => a.meant - b.meant).map(({ found }) => found);
    return (
      wanted.length === parts.length &&
      new Set(pairs.map(({ meant }) => meant)).size === parts.length &&
      order.every((place, index) => place > (order[index - 1] ?? -1)) &&
      pairs.every(
        ({ part, meant, found }) =>
          meant >= 0 && this.isOwnedAlike(wanted[meant], live[found], part),
      )
    );
  }

  /** A part that is owned as a whole. */
  #isSame(wanted: unknown, live: unknown, within: string): boolean {
    if (Array.isArray(wanted) && Array.isArray(live)) {
      return (
        wanted.length === live.length &&
        wanted.every((item, index) => this.#isSame(item, live[index], within))
      );
    }
    if (!isTree(wanted) || !isTree(live)) return isDeepStrictEqual(wanted, live);
    const defaults = this.#defaults[within] ?? {};
    return [...new Set([...Object.keys(wanted), ...Object.keys(live)])].every((key) =>
      key in live && !(key in wanted)
        ? key in defaults && isDeepStrictEqual(defaults[key], live[key])
        : this.#isSame(wanted[key], live[key], key),
    );
  }
}

/** What the server takes as said, and does not write down. */
function isNothing(wanted: unknown): boolean {
  return !wanted || (typeof wanted === 'object' && Object.keys(wanted).length === 0);
}
