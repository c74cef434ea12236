import type { Host, Inventory } from '@skerry/inventory';
import type { Step, StepOptions } from '@skerry/steps';
import { controlPlane } from '../kinds/control-plane.ts';
import { objectsText, type KubernetesObject } from '../objects/kubernetes-object.ts';
import { clusterConfiguration, initConfiguration } from './configuration.ts';
import { secondsOf } from './duration.ts';

/** The step that holds a control plane to what the inventory says of it. */
export function controlPlaneOf(inventory: Inventory, host: Host, options: StepOptions = {}): Step {
  const { kubeadm } = inventory.kubernetes;
  const cluster = clusterConfiguration(inventory);
  const { bootstrapTokens: _, nodeRegistration, ...init } = initConfiguration(inventory, host);
  const { name, criSocket } = nodeRegistration as KubernetesObject;
  const { certSANs } = cluster['apiServer'] as { readonly certSANs: readonly string[] };
  const patches = Object.entries(kubeadm.patches);
  return controlPlane(
    {
      node: host.name,
      configuration: objectsText([{ ...init, nodeRegistration: { name, criSocket } }, cluster]),
      etcd: JSON.stringify([
        cluster['etcd'],
        cluster['kubernetesVersion'],
        patches.filter(([patch]) => patch.startsWith('etcd')),
      ]),
      patches:
        patches.length === 0
          ? ''
          : objectsText(patches.map(([patch, value]) => ({ [patch]: value }))),
      certSANs: [...certSANs],
      patience: secondsOf(kubeadm.timeouts.controlPlaneComponentHealthCheck) + 120,
    },
    options,
  );
}
