import type { KubernetesObject } from './kubernetes-object.ts';

/**
 * An object with a patch of the inventory: fields that it names are set, those that it gives as null are
 * taken away, and members of a list that have a name (containers, ports, volumes, variables) are found
 * by it. Any other list takes the place of the one that is there. That is Kubernetes' strategic merge
 * patch for what workloads are made of (lists whose patchMergeKey is `name`), without its directives.
 */
export function patchedObject(
  object: KubernetesObject,
  patch: Readonly<Record<string, unknown>>,
): KubernetesObject {
  return merged(object, patch) as KubernetesObject;
}

type Fields = Readonly<Record<string, unknown>>;

function merged(value: unknown, patch: unknown): unknown {
  if (isFields(patch)) {
    const before: Fields = isFields(value) ? value : {};
    const after = Object.entries(patch).map(([key, field]) => [key, merged(before[key], field)]);
    return Object.fromEntries(
      Object.entries({ ...before, ...(Object.fromEntries(after) as Fields) }).filter(
        ([key]) => patch[key] !== null,
      ),
    );
  }
  if (Array.isArray(patch) && Array.isArray(value) && patch.every(hasName)) {
    return mergedByName(value, patch);
  }
  return patch;
}

function mergedByName(list: readonly unknown[], patch: readonly Named[]): readonly unknown[] {
  const changes = new Map(patch.map((member) => [member.name, member]));
  const known = list.map((member) => {
    const change = hasName(member) ? changes.get(member.name) : undefined;
    if (change === undefined) return member;
    changes.delete(change.name);
    return merged(member, change);
  });
  return [...known, ...[...changes.values()].map((member) => merged({}, member))];
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

interface Named extends Fields {
  readonly name: string;
}

function hasName(value: unknown): value is Named {
  return isFields(value) && typeof value['name'] === 'string';
}
