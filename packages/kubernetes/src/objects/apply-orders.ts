import type { Change } from '@skerry/steps';
import {
  definedKind,
  idOf,
  kindOf,
  type Desired,
  type DesiredObject,
  type ObjectGroup,
  type Wait,
} from './desired-objects.ts';
import { taintOrder } from './node-taints.ts';
import { marked, recordKeys, recordWith } from './ownership.ts';

/** Seconds for which an object may be refused for a reason that passes: a webhook just starting. */
export const applySeconds = 180;
/** Seconds until the API serves a new kind, and until an object is gone. */
const settleSeconds = 120;
/** Seconds at most for nodes that join at the same time to be there: many join in batches. */
export const joinSeconds = 1800;

/**
 * The orders of the script that applies objects, in the order in which it follows them. Objects with
 * nothing to wait for between them go by one call, over the borders of groups: for each call kubectl
 * starts, and learns what the API knows.
 */
export class ApplyOrders {
  readonly #desired: Desired;
  readonly #changes: ReadonlyMap<string, Change>;
  readonly #words: string[] = [];
  #names: string[] = [];
  #batch: DesiredObject[] = [];
  /** Of objects that somebody else is about to make: they are looked for as late as may be. */
  #awaited: DesiredObject[] = [];
  #late: Wait[] = [];
  /** Kinds that are defined on the way and were not waited for, with the names of their definitions. */
  readonly #defined = new Map<string, string>();
  #record = '';

  /** `changes` by their subjects. */
  constructor(desired: Desired, changes: ReadonlyMap<string, Change>) {
    this.#desired = desired;
    this.#changes = changes;
  }

  /** The types are noted before the first object of them is there, beside those noted already. */
  recordAhead(record: DesiredObject): void {
    const { data } = record.object as { readonly data?: Readonly<Record<string, string>> };
    const types = data?.[recordKeys.types] ?? '';
    if (this.#isNew(record)) {
      const ahead = recordWith(this.#desired, { types, absent: '' });
      this.#record = this.#text(ahead);
      this.#batch.push(ahead);
      // kubectl goes on after what the server does not take.
      this.#flush();
      return;
    }
    const [head = '', tail = ''] = this.#text(
      recordWith(this.#desired, { types: '@', absent: '' }),
    ).split('@');
    this.#words.push('record', head, types, tail);
  }

  group(group: ObjectGroup): void {
    const there = group.objects.filter((one) => !this.#isAwaited(one));
    const due = there.filter(({ object }) => this.#changes.has(idOf(object)));
    const taints = there.flatMap((one) => taintOrder(one, this.#changes));
    this.#awaited.push(...group.objects.filter((one) => this.#isAwaited(one)));
    if (due.length + taints.length + group.waits.length > 0) this.#names.push(group.name);
    const absent = due.filter(({ ownership }) => ownership === 'absent');
    // What takes the place of what goes is to be there before.
    if (absent.length > 0) this.#await();
    this.#order(absent.flatMap(({ object }) => deleteOrder(idOf(object))));
    const made = due.filter(({ ownership }) => ownership === 'owned' || ownership === 'kept');
    this.#apply(made.filter(isGround));
    this.#apply(made.filter((one) => !isGround(one)));
    // Before the note of them in their node, which tells whose they are.
    this.#order(taints);
    this.#apply(due.filter(({ ownership }) => ownership === 'partial'));
    // What comes next may look for kinds only as it starts.
    if (group.waits.length === 0) return this.#establish();
    this.#late.push(...group.waits);
    if (group.waitsLate === true) return this.#establish();
    this.#await();
    this.#defined.clear();
  }

  removals(changes: readonly Change[]): void {
    this.#await();
    this.#flush();
    this.#names.push('what is no longer wanted');
    this.#order(changes.flatMap(removalOrder));
  }

  /** What is in the cluster once all the rest is done. */
  record(record: DesiredObject): void {
    this.#await();
    if (this.#text(record) !== this.#record) this.#batch.push(record);
  }

  words(): readonly string[] {
    this.#await();
    this.#flush();
    return this.#words;
  }

  /** Waits for all that is due. First for nodes: pods may be among it that run where labels say so. */
  #await(): void {
    this.#meet();
    const late = this.#late;
    this.#late = [];
    this.#order(late.flatMap(waitOrder));
  }

  /** Whether it was not there yet when it was looked for. */
  #isAwaited({ object, expected }: DesiredObject): boolean {
    return expected !== undefined && this.#changes.get(idOf(object))?.why === expected;
  }

  /** What is awaited is waited for, and set. */
  #meet(): void {
    const awaited = this.#awaited;
    if (awaited.length === 0) return;
    this.#awaited = [];
    const names = awaited.map(({ object }) => resourceOf(idOf(object)));
    this.#order(['expected', `${joinSeconds}`, `${names.length}`, ...names]);
    this.#order(awaited.flatMap((one) => taintOrder(one, this.#changes)));
    this.#apply(awaited);
  }

  #apply(objects: readonly DesiredObject[]): void {
    for (const one of objects) {
      if (this.#defined.has(kindOf(one.object))) this.#establish();
      this.#batch.push(one);
      const defined = definedKind(one.object);
      if (defined !== undefined) this.#defined.set(defined, one.object.metadata.name);
    }
  }

  #establish(): void {
    if (this.#defined.size === 0) return;
    const names = [...this.#defined.values()];
    this.#order(['established', `${settleSeconds}`, `${names.length}`, ...names]);
    this.#defined.clear();
  }

  #order(words: readonly string[]): void {
    if (words.length === 0) return;
    this.#flush();
    this.#words.push(...words);
  }

  #flush(): void {
    if (this.#names.length > 0) this.#words.push('group', this.#names.join(', '));
    this.#names = [];
    if (this.#batch.length === 0) return;
    const words = this.#batch
      .toSorted((a, b) => rankOf(a) - rankOf(b))
      .flatMap((one) => [this.#markOf(one), idOf(one.object), one.origin, this.#text(one)]);
    this.#words.push('apply', `${applySeconds}`, `${this.#batch.length}`, ...words);
    this.#batch = [];
  }

  #markOf(one: DesiredObject): 'awaited' | 'partial' | 'new' | 'there' {
    if (one.ownership !== 'partial') return this.#isNew(one) ? 'new' : 'there';
    if (this.#isAwaited(one)) return 'awaited';
    // kubeadm has just made it, and nobody has touched it since.
    return this.#desired.begins ? 'new' : 'partial';
  }

  #isNew({ object }: DesiredObject): boolean {
    return this.#changes.get(idOf(object))?.action === 'create';
  }

  #text(one: DesiredObject): string {
    return JSON.stringify(marked(one, this.#desired));
  }
}

function isGround({ object: { kind } }: DesiredObject): boolean {
  return kind === 'Namespace' || kind === 'CustomResourceDefinition';
}

const workloads: ReadonlySet<string> = new Set([
  'DaemonSet',
  'Deployment',
  'StatefulSet',
  'ReplicaSet',
  'Job',
  'Pod',
]);

/**
 * The order within a call. Pods take the processor from it, and look for the rest of it as they start. What
 * sends requests of others to pods comes behind those: it might keep them from being made.
 */
function rankOf({ object: { kind } }: DesiredObject): number {
  if (workloads.has(kind)) return 1;
  return /WebhookConfiguration$|^APIService$/.test(kind) ? 2 : 0;
}

function waitOrder({ resource, namespace = '', condition, jsonpath, seconds }: Wait): string[] {
  const how =
    condition !== undefined
      ? [condition, `condition=${condition}`]
      : jsonpath !== undefined
        ? [jsonpath, `jsonpath=${jsonpath}`]
        : ['rolled out', 'rollout'];
  return ['wait', ...how, resource, namespace, `${seconds}`];
}

/** Of `Deployment.apps shop/web`: the type, the name, the namespace. */
function placeOf(id: string): [type: string, name: string, namespace: string] {
  const [type = '', place = ''] = id.split(' ');
  const slash = place.indexOf('/');
  return [type, place.slice(slash + 1), slash < 0 ? '' : place.slice(0, slash)];
}

/** Of `Node lab-2`: `node/lab-2`. Who makes it is not ours, so that only what has no namespace is expected. */
function resourceOf(id: string): string {
  const [type, name] = placeOf(id);
  return `${type}/${name}`;
}

function deleteOrder(id: string): string[] {
  return ['delete', id, ...placeOf(id), `${settleSeconds}`];
}

function removalOrder({ subject, action, before }: Change): string[] {
  if (action === 'delete') return deleteOrder(subject);
  const label = before === 'owned' ? 'app.kubernetes.io/managed-by' : '';
  return ['release', subject, ...placeOf(subject), label];
}
