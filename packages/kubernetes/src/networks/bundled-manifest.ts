import { DiagnosticError } from '@skerry/diagnostics';
import { isUnread } from '../cluster-objects/unread.ts';
import type { DesiredObject } from '../objects/desired-objects.ts';
import type { KubernetesObject } from '../objects/kubernetes-object.ts';

type Changed = (object: KubernetesObject) => KubernetesObject;

/**
 * Objects of a manifest with some of them changed, by `Kind name`. Throws a DiagnosticError where one
 * that is to be changed is not there: the manifest is another one than what is known. Where it is not
 * read, `settings` stand in its place: what goes into it.
 */
export function withChanges(
  objects: readonly DesiredObject[],
  manifest: string,
  changes: Readonly<Record<string, Changed>>,
  settings: Readonly<Record<string, unknown>>,
): DesiredObject[] {
  if (objects.some(({ object }) => isUnread(object))) {
    return objects.map((one) => ({ ...one, object: { ...one.object, settings } }));
  }
  const names = new Set(objects.map(({ object }) => `${object.kind} ${object.metadata.name}`));
  for (const name of Object.keys(changes)) {
    if (names.has(name)) continue;
    throw new DiagnosticError({
      code: 'bad-manifest',
      severity: 'error',
      what: `the manifest ${manifest} has no ${name}`,
      why: 'settings of the inventory go into it; another version of the manifest may call it otherwise',
      fix: 'take the version that the matrix names ("bootstrap check --list"), and make the bundle again',
    });
  }
  return objects.map((one) => {
    const change = changes[`${one.object.kind} ${one.object.metadata.name}`];
    return change === undefined
      ? one
      : { ...one, object: change(one.object) as DesiredObject['object'] };
  });
}

interface Workload extends KubernetesObject {
  readonly spec: {
    readonly template: {
      readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
    };
  };
}

/** A Deployment or DaemonSet whose pods are made anew when `digest` changes. */
export function rolledOutWith(object: KubernetesObject, digest: string): KubernetesObject {
  const { spec } = object as Workload;
  const { metadata } = spec.template;
  const annotations = { ...metadata.annotations, 'skerry.dev/configuration': digest };
  return {
    ...object,
    spec: { ...spec, template: { ...spec.template, metadata: { ...metadata, annotations } } },
  };
}
