import { DiagnosticError } from '@skerry/diagnostics';
import { parseAllDocuments, type Tags } from 'yaml';
import type { DesiredObject, Identity, Wait } from '../objects/desired-objects.ts';
import type { KubernetesObject } from '../objects/kubernetes-object.ts';
import { isNamespacedKind } from '../objects/scope.ts';

type Read = KubernetesObject & Identity;

/** YAML 1.1 as Kubernetes reads it (0644 is octal), where dates and 10:10 are texts. */
function asKubernetes(tags: Tags): Tags {
  return tags.filter(
    (tag) =>
      typeof tag === 'string' ||
      (tag.tag !== 'tag:yaml.org,2002:timestamp' && !('format' in tag && tag.format === 'TIME')),
  );
}

/**
 * The objects of a manifest, or of what a chart was rendered to. Those of Kubernetes' own kinds that
 * lie in a namespace and name none are put into `namespace`, as `kubectl --namespace` would.
 * Throws a DiagnosticError, with the origin, where the text is no YAML of objects.
 */
export function manifestObjects(text: string, origin: string, namespace?: string): DesiredObject[] {
  const documents = parseAllDocuments(text, { schema: 'yaml-1.1', customTags: asKubernetes });
  return ('empty' in documents ? [] : documents).flatMap((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw notObjects(origin, error.message);
    const value: unknown = document.toJS({ maxAliasCount: 1000 });
    if (value === null || value === undefined) return [];
    return objectsOf(value, origin).map((object) => ({
      object: placed(object, namespace),
      ownership: 'owned' as const,
      origin,
    }));
  });
}

function objectsOf(value: unknown, origin: string): Read[] {
  const { apiVersion, kind, metadata, items } = value as Partial<Read> & { items?: unknown[] };
  if (typeof apiVersion !== 'string' || typeof kind !== 'string') {
    throw notObjects(origin, 'a document has no apiVersion and kind');
  }
  if (kind.endsWith('List') && Array.isArray(items)) {
    return items.flatMap((item) => objectsOf(item, origin));
  }
  if (typeof metadata?.name !== 'string') throw notObjects(origin, `a ${kind} has no name`);
  return [value as Read];
}

function placed(object: Read, namespace: string | undefined): Read {
  const { apiVersion, kind, metadata } = object;
  if (namespace === undefined || metadata.namespace !== undefined) return object;
  return isNamespacedKind(apiVersion, kind)
    ? { ...object, metadata: { ...metadata, namespace } }
    : object;
}

function notObjects(origin: string, why: string): DiagnosticError {
  return new DiagnosticError({
    code: 'bad-manifest',
    severity: 'error',
    what: `${origin} holds no Kubernetes objects that can be read`,
    why,
    fix: 'make the bundle again; the manifest must be YAML with one object in each document',
  });
}

const workloads: ReadonlySet<string> = new Set(['Deployment', 'DaemonSet', 'StatefulSet']);

/** Until everything that runs in pods is rolled out, in the order of the objects. */
export function rollouts(objects: readonly DesiredObject[], seconds: number): Wait[] {
  return objects
    .filter(({ object, ownership }) => workloads.has(object.kind) && ownership !== 'absent')
    .map(({ object: { kind, metadata } }) => ({
      resource: `${kind.toLowerCase()}/${metadata.name}`,
      ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
      rollout: true as const,
      seconds,
    }));
}
