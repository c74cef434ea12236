import type { Host, Inventory } from '@skerry/inventory';
import { kubernetesReleases, releaseOf } from './matrix/kubernetes-releases.ts';

/**
 * The image that holds the namespaces of a pod on a host: `node.containerd.pauseImage`, otherwise the
 * one that kubeadm of the inventory's version of Kubernetes names, so that containerd and kubeadm
 * agree. Without a known version it is that of the newest known release.
 */
export function pauseImageOf({ kubernetes }: Pick<Inventory, 'kubernetes'>, host: Host): string {
  const release = releaseOf(kubernetes.version ?? '') ?? kubernetesReleases.at(-1);
  return host.node.containerd.pauseImage ?? `registry.k8s.io/pause:${release?.pause}`;
}
