import type { Inventory } from '@skerry/inventory';
import { objectsText } from '../objects/kubernetes-object.ts';
import { digestOf } from '../objects/ownership.ts';
import { kubeProxyConfiguration } from './configuration.ts';

const namespace = 'kube-system';

/** The DaemonSet that kubeadm makes, with nothing of it but what `more` says. */
export const kubeProxyDaemonSet = (more: object = {}) => ({
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { name: 'kube-proxy', namespace },
  ...more,
});

/** What is ours of kube-proxy, which kubeadm makes. */
export interface KubeProxy {
  /** Its configuration as it stands in its ConfigMap, as YAML. */
  readonly configuration: string;
  /** By a note on its pods they are made anew when their configuration is another one. */
  readonly daemonSet: ReturnType<typeof kubeProxyDaemonSet>;
}

/** Undefined where there is to be no kube-proxy. */
export function kubeProxyOf(inventory: Inventory): KubeProxy | undefined {
  const wanted = kubeProxyConfiguration(inventory);
  if (wanted === undefined) return undefined;
  const configuration = objectsText([
    {
      ...wanted,
      // In the same ConfigMap, written by kubeadm.
      clientConnection: { kubeconfig: '/var/lib/kube-proxy/kubeconfig.conf' },
    },
  ]);
  const annotations = { 'skerry.dev/configuration': digestOf(configuration) };
  return {
    configuration,
    daemonSet: kubeProxyDaemonSet({ spec: { template: { metadata: { annotations } } } }),
  };
}
