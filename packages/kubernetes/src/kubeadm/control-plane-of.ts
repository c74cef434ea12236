import type { Host, Inventory } from '@skerry/inventory';
import type { Step, StepOptions } from '@skerry/steps';
import { controlPlane } from '../kinds/control-plane.ts';
import { objectsText, type KubernetesObject } from '../objects/kubernetes-object.ts';
import { clusterConfiguration, initConfiguration } from './configuration.ts';
import { secondsOf } from './duration.ts';
import { controlPlanesOf } from './endpoint.ts';

/** The step that holds a control plane to what the inventory says of it. */
export function controlPlaneOf(inventory: Inventory, host: Host, options: StepOptions = {}): Step {
  const { kubeadm } = inventory.kubernetes;
  const cluster = clusterConfiguration(inventory);
  const { bootstrapTokens: _, nodeRegistration, ...init } = initConfiguration(inventory, host);
  const { name, criSocket } = nodeRegistration as KubernetesObject;
  const { certSANs } = cluster['apiServer'] as { readonly certSANs: readonly string[] };
  const first = controlPlanesOf(inventory)[0]?.name === host.name;
  const ofCoreDns = ([patch]: readonly [string, unknown]): boolean =>
    patch.startsWith('corednsdeployment');
  const all = Object.entries(kubeadm.patches);
  const patches = first ? all : all.filter((one) => !ofCoreDns(one));
  return controlPlane(
    {
      node: host.name,
      configuration: objectsText([{ ...init, nodeRegistration: { name, criSocket } }, cluster]),
      etcd: JSON.stringify([
        cluster['etcd'],
        cluster['kubernetesVersion'],
        patches.filter(([patch]) => patch.startsWith('etcd')),
      ]),
      coredns: first ? JSON.stringify(patches.filter(ofCoreDns)) : '',
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
