import type { Inventory } from '@skerry/inventory';
import {
  clusterConfiguration,
  kubeletConfiguration,
  kubeProxyConfiguration,
} from '../kubeadm/configuration.ts';
import type { DesiredObject, ObjectGroup } from '../objects/desired-objects.ts';
import { objectsText } from '../objects/kubernetes-object.ts';
import { digestOf } from '../objects/ownership.ts';
import { originOf } from './origins.ts';

const namespace = 'kube-system';

function configMap(name: string, data: Readonly<Record<string, string>>, origin: string) {
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data };
  return { object, ownership: 'partial', origin } as const;
}

/**
 * What kubeadm keeps of the cluster, which it writes at init and never again: nodes that join later
 * are made from it. What a text leaves out kubeadm fills in when it reads it.
 */
export function kubeadmGroup(inventory: Inventory): ObjectGroup {
  const origin = originOf(inventory, '');
  return {
    name: 'what kubeadm keeps of the cluster',
    objects: [
      configMap(
        'kubeadm-config',
        { ClusterConfiguration: objectsText([clusterConfiguration(inventory)]) },
        origin,
      ),
      configMap(
        'kubelet-config',
        { kubelet: objectsText([kubeletConfiguration(inventory)]) },
        origin,
      ),
    ],
    waits: [],
  };
}

const daemonSet = (more: object) => ({
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { name: 'kube-proxy', namespace },
  ...more,
});

/**
 * kube-proxy, which kubeadm made: its configuration, and a restart node by node where that changed.
 * Without kube-proxy both are to be gone; what it left on nodes is for them to clean.
 */
export function kubeProxyGroup(inventory: Inventory, seconds: number): ObjectGroup {
  const origin = originOf(inventory, 'network.proxy');
  const configuration = kubeProxyConfiguration(inventory);
  if (configuration === undefined) {
    const absent = [daemonSet({}), configMap('kube-proxy', {}, origin).object];
    return {
      name: 'kube-proxy, which gives way',
      objects: absent.map((object): DesiredObject => ({ object, ownership: 'absent', origin })),
      waits: [],
    };
  }
  const text = objectsText([
    {
      ...configuration,
      // In the same ConfigMap, written by kubeadm.
      clientConnection: { kubeconfig: '/var/lib/kube-proxy/kubeconfig.conf' },
    },
  ]);
  const annotations = { 'skerry.dev/configuration': digestOf(text) };
  return {
    name: 'kube-proxy',
    objects: [
      configMap('kube-proxy', { 'config.conf': text }, origin),
      {
        object: daemonSet({ spec: { template: { metadata: { annotations } } } }),
        ownership: 'partial',
        origin,
      },
    ],
    waits: [{ resource: 'daemonset/kube-proxy', namespace, rollout: true, seconds }],
  };
}
