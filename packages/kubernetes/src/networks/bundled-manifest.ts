import { DiagnosticError, didYouMean, type SourcePosition } from '@skerry/diagnostics';
import { isUnread } from '../cluster-objects/unread.ts';
import type { DesiredObject } from '../objects/desired-objects.ts';
import type { KubernetesObject } from '../objects/kubernetes-object.ts';
import { patchedObject } from '../objects/patched-object.ts';

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

/**
 * Objects of a manifest with the patches that the inventory has for them, by `Kind name`; `placeOf`
 * tells where a patch stands. Throws a DiagnosticError for each patch of an object that is not there.
 */
export function withPatches(
  objects: readonly DesiredObject[],
  patches: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  placeOf: (name: string) => SourcePosition | undefined,
): DesiredObject[] {
  if (objects.some(({ object }) => isUnread(object))) {
    return Object.keys(patches).length === 0
      ? [...objects]
      : objects.map((one) => ({ ...one, object: { ...one.object, patches } }));
  }
  const names = objects.map(({ object }) => `${object.kind} ${object.metadata.name}`);
  const unknown = Object.keys(patches).filter((name) => !names.includes(name));
  if (unknown.length > 0) {
    throw new DiagnosticError(
      unknown.map((name) => {
        const at = placeOf(name);
        return {
          code: 'patch-without-object',
          severity: 'error',
          what: `the manifest has no ${name} that could be patched`,
          ...(at === undefined ? {} : { at }),
          why: 'a patch that changes nothing would be taken for one that works',
          fix: didYouMean(name, names) ?? `take one of ${names.filter(isWorkload).join(', ')}`,
        };
      }),
    );
  }
  return objects.map((one) => {
    const patch = patches[`${one.object.kind} ${one.object.metadata.name}`];
    return patch === undefined
      ? one
      : { ...one, object: patchedObject(one.object, patch) as DesiredObject['object'] };
  });
}

const isWorkload = (name: string): boolean => /^(DaemonSet|Deployment|StatefulSet) /.test(name);

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
