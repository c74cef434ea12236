import { createHash } from 'node:crypto';
import {
  idOf,
  typeOf,
  type Desired,
  type DesiredObject,
  type Identity,
} from './desired-objects.ts';
import type { KubernetesObject } from './kubernetes-object.ts';
import { withTaintsNoted } from './node-taints.ts';

/** The field manager of server-side apply: by it the API knows which fields are ours. */
export const fieldManager = 'skerry';

/**
 * A label with the ownership as its value, for each step a label of its own; all that carries it is
 * read by one `kubectl get`.
 */
export function ownershipLabel({ name }: Pick<Desired, 'name'>): string {
  return `skerry.dev/${name}-objects`;
}

/** The ConfigMap in kube-system that is the record of a step. */
export function recordName({ name }: Pick<Desired, 'name'>): string {
  return `skerry-${name}-objects`;
}

/**
 * An annotation with the object's own id. A copy under another name carries a wrong one: so it is not
 * taken for ours, and never deleted.
 */
export const identityAnnotation = 'skerry.dev/object';

/** Under what the record keeps its lists; no other ConfigMap has such keys. */
export const recordKeys = { types: 'skerry-types', absent: 'skerry-absent' } as const;

/**
 * A ConfigMap with the types of all objects that were ever applied and may still be there: without it
 * nobody would look for objects of a type that is no longer wanted. And with the ids of what was to be
 * absent, and is: nobody marked those, so that they would have to be asked for one by one, every time.
 */
export function recordOf(desired: Desired): DesiredObject {
  const objects = desired.groups.flatMap((group) => group.objects);
  const absent = objects.filter(({ ownership }) => ownership === 'absent');
  return recordWith(desired, {
    types: typesOf(objects).join(','),
    absent: absent.map(({ object }) => idOf(object)).join(','),
  });
}

/** The record with these lists, each with commas. */
export function recordWith(
  desired: Desired,
  { types, absent }: { types: string; absent: string },
): DesiredObject {
  const metadata = { name: recordName(desired), namespace: 'kube-system' };
  const data = {
    [recordKeys.types]: types,
    ...(absent === '' ? {} : { [recordKeys.absent]: absent }),
  };
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data };
  return { object, ownership: 'owned', origin: 'the record of what is applied' };
}

/** `ConfigMap.v1.`, `Deployment.v1.apps`, each once, sorted; the record's own among them. */
export function typesOf(objects: readonly DesiredObject[]): string[] {
  const types = objects.map(({ object }) => typeOf(object));
  return [...new Set(['ConfigMap.v1.', ...types])].toSorted();
}

/** An object as an API takes and gives it. */
export type LiveObject = KubernetesObject &
  Identity & { readonly metadata: KubernetesObject & Identity['metadata'] };

/** The object as it is sent: with what marks it as ours, and nothing that only a reader needs. */
export function marked({ object, ownership }: DesiredObject, desired: Desired): LiveObject {
  const { apiVersion, kind, metadata, stringData, ...others } = withTaintsNoted(object);
  const { labels, annotations, ...about } = metadata as typeof metadata & {
    labels?: object;
    annotations?: object;
  };
  // `status` and what charts leave behind of a live object are the server's to write.
  for (const key of [
    'creationTimestamp',
    'resourceVersion',
    'uid',
    'managedFields',
    'generation',
  ]) {
    Reflect.deleteProperty(about, key);
  }
  Reflect.deleteProperty(others, 'status');
  return {
    apiVersion,
    kind,
    metadata: {
      ...about,
      labels: {
        ...labels,
        ...(ownership === 'owned' ? { 'app.kubernetes.io/managed-by': 'skerry' } : {}),
        [ownershipLabel(desired)]: ownership,
      },
      annotations: { ...annotations, [identityAnnotation]: idOf(object) },
    },
    ...others,
    ...(stringData === undefined ? {} : { data: secretData(others['data'], stringData) }),
  };
}

/**
 * `stringData` as the server stores it: the field exists only on the way in, so that nobody could own
 * it or see that it differs. A secret of the inventory is base64 by a token of its own.
 */
function secretData(data: unknown, stringData: unknown): Record<string, unknown> {
  const encoded = Object.entries(stringData as Record<string, string>).map(([key, text]) => {
    const token = /^⟦secret:([^⟧]*)⟧$/.exec(text)?.[1];
    if (token !== undefined) return [key, `⟦secret-base64:${token}⟧`] as const;
    if (text.includes('⟦secret:')) {
      throw new Error(`a secret of stringData.${key} stands among other text`);
    }
    return [key, Buffer.from(text, 'utf8').toString('base64')] as const;
  });
  return { ...(data as object | undefined), ...Object.fromEntries(encoded) };
}

/** Whether it holds a secret of the inventory, whose value is not known where objects are compared. */
export function isHidden(wanted: LiveObject): boolean {
  return /⟦secret(-base64)?:/.test(JSON.stringify(wanted));
}

/** All objects of a step, that with its record before the others. */
export function wantedOf(desired: Desired): readonly DesiredObject[] {
  return [recordOf(desired), ...desired.groups.flatMap(({ objects }) => objects)];
}

/** Whether what lives in the cluster is marked as ours, by its own name. */
export function ownershipOf(live: LiveObject, desired: Desired): string | undefined {
  const { labels, annotations } = live.metadata as {
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  return annotations?.[identityAnnotation] === idOf(live)
    ? labels?.[ownershipLabel(desired)]
    : undefined;
}

/** A short name of a text, for an annotation of a pod template that is to change with it. */
export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
