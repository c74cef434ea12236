import type { Inventory } from '@skerry/inventory';
import { catalogue } from './catalogue/all.ts';
import type { Component } from './component.ts';

/** The components that a cluster as this inventory wants it is made of. */
export function neededFor({ kubernetes }: Inventory): readonly Component[] {
  const names = ['pause', 'etcd', 'cni-plugins', 'coredns', 'kubernetes'];
  const { network, loadBalancer } = kubernetes;
  if (loadBalancer.metallb !== undefined) names.push('metallb');
  // Its chart is what comes as such; nothing else needs Helm.
  if (network.cni?.name === 'cilium') names.push('helm', 'cilium');
  if (network.cni?.name === 'flannel') names.push('flannel');
  return named(['probe', ...names]);
}

/** Components by name; those that this catalogue does not have are left out. */
export function named(names: readonly string[]): readonly Component[] {
  return names.flatMap((name) => catalogue[name] ?? []);
}
