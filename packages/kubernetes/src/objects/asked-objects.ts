import { idOf, type Desired } from './desired-objects.ts';
import { objectsText } from './kubernetes-object.ts';

/**
 * The objects by group and name, each as YAML: what is wanted, and not the line of the inventory that
 * it came from, which moves with every line above it; nor whether there was a cluster then.
 */
export function askedObjects({ name: step, groups, kubeconfig }: Desired): unknown {
  const named = groups.map(({ name, objects, waits }) => {
    const each = objects.map(({ object, ownership }): [string, string] => [
      ownership === 'owned' ? idOf(object) : `${idOf(object)} (${ownership})`,
      objectsText([object]),
    ]);
    const waited = waits.length === 0 ? {} : { waits };
    return [name, { ...Object.fromEntries(each), ...waited }];
  });
  const order = groups.map(({ name }) => name);
  return { name: step, kubeconfig, order, groups: Object.fromEntries(named) };
}
