import type { Inventory } from '@skerry/inventory';
import type { Step } from '@skerry/steps';
import { ciliumSteps } from './cilium-node.ts';
import type { NetworkHost } from './network-host.ts';
import { routedSteps } from './routed.ts';
import { networkdSteps } from './systemd-networkd.ts';

/**
 * What the cluster's network asks of a node before it joins: files, units and live routes. What runs
 * in the cluster (a DaemonSet of Cilium) is not among them.
 */
export function networkSteps(inventory: Inventory, host: NetworkHost): Step[] {
  return [...networkdSteps(), ...cniSteps(inventory, host)];
}

function cniSteps(inventory: Inventory, host: NetworkHost): Step[] {
  switch (inventory.kubernetes.network.cni?.name) {
    case 'routed':
      return routedSteps(inventory, host);
    case 'cilium':
      return ciliumSteps();
    case 'calico':
    case 'flannel':
    case 'weave':
    case undefined:
      return [];
  }
}
