import type { Inventory } from '@skerry/inventory';
import { clusterConfiguration, kubeletConfiguration } from '../kubeadm/configuration.ts';
import { controlPlaneEndpoint } from '../kubeadm/endpoint.ts';
import { kubeProxyDaemonSet, kubeProxyOf } from '../kubeadm/kube-proxy.ts';
import type { DesiredObject, ObjectGroup } from '../objects/desired-objects.ts';
import { objectsText } from '../objects/kubernetes-object.ts';
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

/** kubeadm makes it at init only: not for a cluster that began without it. */
function makeKubeProxy(inventory: Inventory): string {
  const { version, network } = inventory.kubernetes;
  const words = [
    'kubeadm init phase addon kube-proxy',
    `--control-plane-endpoint ${controlPlaneEndpoint(inventory)}`,
    `--pod-network-cidr ${network.pods.join(',')}`,
    `--kubernetes-version v${version}`,
  ];
  return `kubeadm makes it; on the first control plane, run:\n${words.join(' ')}\nand then apply again, which gives it its configuration`;
}

/**
 * kube-proxy, which kubeadm made: its configuration, and a restart node by node where that changed.
 * Without kube-proxy both are to be gone; what it left on nodes is for them to clean.
 */
export function kubeProxyGroup(inventory: Inventory, seconds: number): ObjectGroup {
  const origin = originOf(inventory, 'network.proxy');
  const proxy = kubeProxyOf(inventory);
  if (proxy === undefined) {
    const absent = [kubeProxyDaemonSet(), configMap('kube-proxy', {}, origin).object];
    return {
      name: 'kube-proxy, which gives way',
      objects: absent.map((object): DesiredObject => ({ object, ownership: 'absent', origin })),
      waits: [],
    };
  }
  const { configuration, daemonSet } = proxy;
  return {
    name: 'kube-proxy',
    objects: [
      configMap('kube-proxy', { 'config.conf': configuration }, origin),
      {
        object: daemonSet,
        ownership: 'partial',
        origin,
        missing: makeKubeProxy(inventory),
      },
    ],
    waits: [{ resource: 'daemonset/kube-proxy', namespace, rollout: true, seconds }],
    waitsLate: true,
  };
}
