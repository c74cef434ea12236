import type { Inventory } from '@skerry/inventory';
import type { DesiredObject, Identity, ObjectGroup } from '../objects/desired-objects.ts';
import type { KubernetesObject } from '../objects/kubernetes-object.ts';
import { networkPolicies } from '../objects/network-policies.ts';
import { originOf } from './origins.ts';

/** The namespaces that policies hold for, which stay whatever becomes of the policies; and these. */
export function policyGroups(inventory: Inventory): ObjectGroup[] {
  const policies = networkPolicies(inventory.kubernetes);
  if (policies.length === 0) return [];
  const namespaces = inventory.kubernetes.policies.namespaces.map((name, index): DesiredObject => ({
    object: { apiVersion: 'v1', kind: 'Namespace', metadata: { name } },
    ownership: 'kept',
    origin: originOf(inventory, `policies.namespaces[${index}]`),
  }));
  const origin = originOf(inventory, 'policies');
  const rules = policies.map((object): DesiredObject => ({
    object: object as KubernetesObject & Identity,
    ownership: 'owned',
    origin,
  }));
  return [{ name: 'NetworkPolicies', objects: [...namespaces, ...rules], waits: [] }];
}
