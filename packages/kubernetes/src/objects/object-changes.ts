import { isDeepStrictEqual } from 'node:util';
import { textDiff, type Change } from '@skerry/steps';
import { definedKind, idOf, kindOf, type Desired, type DesiredObject } from './desired-objects.ts';
import { objectsText, type KubernetesObject } from './kubernetes-object.ts';
import { taintChange } from './node-taints.ts';
import { differenceOf } from './object-difference.ts';
import { marked, ownershipOf, recordOf, type LiveObject } from './ownership.ts';
import type { Observed } from './observed-objects.ts';

/** What holds things of other people, which would go with it. */
const holders: Readonly<Record<string, string>> = {
  Namespace: 'everything in it',
  'CustomResourceDefinition.apiextensions.k8s.io': 'all objects of its kind, whoever made them,',
  PersistentVolumeClaim: 'the data on it',
  PersistentVolume: 'the data on it',
};

/** A webhook or an API behind the API server that does not answer now may do so once this is applied. */
const passing =
  /failed calling webhook|no endpoints available|not support(ed)? dry.?run|no matches for kind|could not find the requested resource|namespaces? "[^"]*" not found|server is currently unable to handle/i;

/** Whether what kubectl said goes away when something else is there. */
function isPassing(message: string): boolean {
  return passing.test(message);
}

/** The changes, in the order in which they are made; deletions come last, dependants first. */
export function objectChanges(desired: Desired, observed: Observed): Change[] {
  const record = recordOf(desired);
  const wanted = desired.groups.flatMap(({ objects }) => objects);
  if (!observed.cluster) {
    return [...wanted, record].flatMap((one) => {
      if (one.ownership === 'owned' || one.ownership === 'kept') return [creation(one, desired)];
      return desired.begins && one.ownership === 'partial' ? firstOf(one, desired) : [];
    });
  }
  const seen: Seen = {
    desired,
    live: byId(observed.live),
    settled: new Set(observed.settled),
    surplus: new Set(observed.surplus),
    applied: byId(observed.applied),
    pending: new Map(observed.pending.map(({ id, lacks }) => [id, lacks])),
    refused: new Map(observed.refused.map(({ id, message }) => [id, message])),
    changingKinds: new Set(),
  };
  const changes: Change[] = [];
  for (const one of wanted) {
    const live = seen.live.get(idOf(one.object));
    const taints =
      live === undefined && one.expected === undefined
        ? undefined
        : taintChange(one, live ?? { metadata: {} });
    if (taints !== undefined) changes.push(taints);
    const change = changeOf(one, seen);
    if (change === undefined) continue;
    changes.push(change);
    const defined = definedKind(one.object);
    if (defined !== undefined) seen.changingKinds.add(defined);
  }
  const ids = new Set([...wanted, record].map(({ object }) => idOf(object)));
  const left = observed.live.filter((one) => !ids.has(idOf(one)));
  changes.push(...left.flatMap((one) => removal(one, desired) ?? []).toSorted(dependantsFirst));
  const ofRecord = changeOf(record, seen);
  return ofRecord === undefined ? changes : [...changes, ofRecord];
}

interface Seen {
  readonly desired: Desired;
  readonly live: ReadonlyMap<string, LiveObject>;
  readonly settled: ReadonlySet<string>;
  readonly surplus: ReadonlySet<string>;
  readonly applied: ReadonlyMap<string, LiveObject>;
  readonly pending: ReadonlyMap<string, string>;
  readonly refused: ReadonlyMap<string, string>;
  /** `IPAddressPool.metallb.io`: kinds whose definition changes before. */
  readonly changingKinds: Set<string>;
}

function byId(objects: readonly LiveObject[]): Map<string, LiveObject> {
  return new Map(objects.map((one) => [idOf(one), one]));
}

function changeOf(one: DesiredObject, seen: Seen): Change | undefined {
  const id = idOf(one.object);
  const live = seen.live.get(id);
  if (one.ownership === 'absent') {
    return live === undefined
      ? undefined
      : { subject: id, action: 'delete', why: `it is not wanted: ${one.origin}` };
  }
  if (one.ownership === 'partial' && live === undefined) {
    if (one.expected !== undefined) return expectation(one, one.expected, seen.desired);
    if (one.missing === undefined) return undefined;
    return { subject: id, action: 'refuse', why: 'it is not there', fix: one.missing };
  }
  if (seen.settled.has(id)) return undefined;
  const lacks = seen.pending.get(id);
  if (lacks !== undefined) return { ...creation(one, seen.desired), why: waitsFor(lacks, one) };
  const message = seen.refused.get(id);
  if (message !== undefined) return refusal(one, live, message, seen);
  const applied = seen.applied.get(id);
  if (applied === undefined) throw new Error(`the probe said nothing of ${id}`);
  if (live === undefined) return creation(one, seen.desired);
  const { before, after } = differenceOf(
    marked(one, seen.desired),
    live,
    applied,
    isSameVersion(live, applied) ? (seen.surplus.has(id) ? 'owned' : 'ours') : "anybody's",
  );
  if (isDeepStrictEqual(before, after)) return undefined;
  const mine = ownershipOf(live, seen.desired) !== undefined;
  const diff = textDiff(
    objectsText([shown(before as KubernetesObject)]),
    objectsText([shown(after as KubernetesObject)]),
  );
  return {
    subject: id,
    action: 'update',
    diff,
    ...(mine || one.ownership !== 'owned'
      ? {}
      : { why: 'it is there and was not made here: what is wanted of it is taken over' }),
  };
}

/** Whether both answers tell of the same version of an object. A dry run makes no new one. */
function isSameVersion(live: LiveObject, applied: LiveObject): boolean {
  return live.metadata['resourceVersion'] === applied.metadata['resourceVersion'];
}

function waitsFor(lacks: string, { object }: DesiredObject): string {
  return lacks === 'namespace'
    ? `its namespace ${object.metadata.namespace ?? ''} is not there yet`
    : `the API does not know its kind ${object.kind} yet`;
}

/** The server did not take it: for good, or as long as something else is missing. */
function refusal(
  one: DesiredObject,
  live: LiveObject | undefined,
  message: string,
  seen: Seen,
): Change {
  const { object, origin } = one;
  const subject = idOf(object);
  const short = message.replaceAll(/^(Error from server[^:]*|error): /gm, '');
  if (isPassing(message) || seen.changingKinds.has(kindOf(object))) {
    const why = `cannot be compared yet: ${short}`;
    return live === undefined
      ? { ...creation(one, seen.desired), why }
      : { subject, action: 'run', after: 'apply', why };
  }
  return {
    subject,
    action: 'refuse',
    why: `the API server does not take it: ${short}`,
    fix: `mend what it comes from: ${origin}`,
  };
}

function creation(one: DesiredObject, desired: Desired): Change {
  const diff = textDiff(undefined, objectsText([withoutSchemas(shown(marked(one, desired)))]));
  return { subject: idOf(one.object), action: 'create', diff };
}

/** What is set of an object that somebody makes until then. */
function expectation(one: DesiredObject, why: string, desired: Desired): Change {
  return { ...creation(one, desired), action: 'update', why };
}

/** What is set of an object that comes with a new cluster; a node does so only where it joins. */
function firstOf(one: DesiredObject, desired: Desired): Change[] {
  if (one.object.kind === 'Node' && one.expected === undefined) return [];
  const taints = taintChange(one, { metadata: {} });
  const why = one.expected ?? 'it comes with a new cluster';
  return [...(taints === undefined ? [] : [taints]), expectation(one, why, desired)];
}

/** What is ours and no longer wanted: it goes, or is let go where other people's things hang on it. */
function removal(live: LiveObject, desired: Desired): Change | undefined {
  const ownership = ownershipOf(live, desired);
  if (ownership === undefined) return undefined;
  const subject = idOf(live);
  const [type = ''] = subject.split(' ');
  const takes = holders[type];
  if (ownership === 'owned' && takes === undefined) {
    return { subject, action: 'delete', why: 'it is no longer wanted' };
  }
  return {
    subject,
    action: 'update',
    before: ownership,
    after: 'let go',
    why:
      takes === undefined
        ? 'nothing of it is wanted any more; it was made by somebody else and stays'
        : `it is no longer wanted and stays, because ${takes} would go with it`,
  };
}

/** Custom resources before what works on them, and that before accounts and configuration. */
const deletionOrder = [
  /^\w+\.(?!apps|batch|policy|autoscaling)(?![\w.-]*\.k8s\.io )[\w.-]+ /,
  /^\w*Webhook\w*\./,
  /^\w+\.(apps|batch|autoscaling) /,
  /^\w+\.(policy|networking\.k8s\.io) /,
];

function dependantsFirst(a: Change, b: Change): number {
  const rank = ({ subject, action }: Change): number => {
    if (action !== 'delete') return deletionOrder.length + 1;
    const found = deletionOrder.findIndex((pattern) => pattern.test(subject));
    return found < 0 ? deletionOrder.length : found;
  };
  return rank(a) - rank(b);
}

/** A definition of a kind without its schemas, of which each has hundreds or thousands of lines. */
function withoutSchemas(object: KubernetesObject): KubernetesObject {
  if (object['kind'] !== 'CustomResourceDefinition') return object;
  const spec = object['spec'] as { readonly versions?: readonly object[] };
  const versions = spec.versions?.map((version) => {
    const { schema, ...rest } = version as { readonly schema?: unknown };
    if (schema === undefined) return rest;
    const lines = objectsText([schema as KubernetesObject]).split('\n').length - 1;
    return { ...rest, schema: `⟦${lines} lines⟧` };
  });
  return versions === undefined ? object : { ...object, spec: { ...spec, versions } };
}

/** The object for a reader, without the values of a Secret. */
function shown(object: KubernetesObject): KubernetesObject {
  if (object['kind'] === 'Secret' && object['apiVersion'] === 'v1' && 'data' in object) {
    const data = Object.entries(object['data'] as Record<string, string>).map(([key, value]) => [
      key,
      /^⟦.*⟧$/.test(value) ? value : '⟦not shown⟧',
    ]);
    return { ...object, data: Object.fromEntries(data) as Record<string, string> };
  }
  return object;
}
