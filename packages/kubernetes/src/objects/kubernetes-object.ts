import { stringify } from 'yaml';

/** An object of an API as plain data, with its keys in the order in which people write them. */
export interface KubernetesObject {
  readonly [key: string]: unknown;
}

/** Objects as a YAML text of one document each, which readers of YAML 1.1 take for the same. */
export function objectsText(objects: readonly KubernetesObject[]): string {
  return objects
    .map((object) => stringify(object, { lineWidth: 0, compat: 'yaml-1.1' }))
    .join('---\n');
}
