import type { Inventory } from '@skerry/inventory';
import { kubeVipImage } from '../endpoint/kube-vip.ts';
import type { Sourced } from '../matrix/entry.ts';
import { versionOf } from '../matrix/components.ts';
import { envoyProxyImage } from '../networks/gateways.ts';
import { pauseImageOf } from '../pause-image.ts';
import { probeImage } from '../verification/probe-image.ts';
import { isAtLeast } from '../version-number.ts';

/** Tags of what kubeadm of one version brings beside Kubernetes' own images. */
interface KubeadmTags extends Sourced {
  readonly version: string;
  readonly etcd: string;
  readonly coredns: string;
  readonly pause: string;
}

const source = 'cmd/kubeadm/app/constants/constants.go of that version';

/** Only versions whose source was read: a patch may bring another etcd than the one before. */
const kubeadmTags: readonly KubeadmTags[] = [
  { version: '1.33.13', etcd: '3.5.24-0', coredns: 'v1.12.0', pause: '3.10' },
  { version: '1.34.4', etcd: '3.6.5-0', coredns: 'v1.12.1', pause: '3.10.1' },
  { version: '1.35.4', etcd: '3.6.6-0', coredns: 'v1.13.1', pause: '3.10.1' },
  { version: '1.36.3', etcd: '3.6.8-0', coredns: 'v1.14.2', pause: '3.10.2' },
].map((tags) => ({ ...tags, source, date: '2026-11-22' }));

const registry = 'registry.k8s.io';

/** The images of Kubernetes itself, which have its own version. */
export function kubernetesImages(version: string): string[] {
  return ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kube-proxy'].map(
    (name) => `${registry}/${name}:v${version}`,
  );
}

/** Names of what kubeadm brings beside them in versions of its own; which, only its source tells. */
export const kubeadmNames: readonly string[] = [`${registry}/coredns/coredns`, `${registry}/etcd`];

/**
 * The images that kubeadm of a version asks for, as `kubeadm config images list` prints them;
 * undefined where nobody has read them of this version: then kubeadm itself is to be asked.
 */
export function kubeadmImages(version: string): string[] | undefined {
  const tags = kubeadmTags.find((candidate) => candidate.version === version);
  if (tags === undefined) return undefined;
  return [
    ...kubernetesImages(version),
    `${registry}/coredns/coredns:${tags.coredns}`,
    `${registry}/pause:${tags.pause}`,
    `${registry}/etcd:${tags.etcd}`,
  ];
}

/** Images that stand in no object: those of static pods, of the runtime, of Calico's operator, of Gateways. */
export function imagesBesideObjects(inventory: Inventory): string[] {
  const { kubernetes, hosts } = inventory;
  const { cni } = kubernetes.network;
  const pauses = hosts.map((host) => pauseImageOf(inventory, host));
  return [
    ...new Set([
      ...pauses,
      ...(kubernetes.endpoint?.via === 'kube-vip' ? [kubeVipImage] : []),
      ...(cni?.name === 'calico' ? calicoImages(versionOf('calico', cni.version)) : []),
      ...(kubernetes.ingress?.controller === 'envoy-gateway' ? [envoyProxyImage] : []),
    ]),
  ];
}

/**
 * What the Tigera operator starts: up to 3.32 one image for each program (docs.tigera.io, "Install
 * from a private registry", 3.32), since 3.33 nearly all of it from one (docs.tigera.io, upgrade notes
 * of 3.33; tigera/operator, branch release-v1.44: pkg/render/node.go, csi.go, typha.go, apiserver.go).
 */
function calicoImages(version: string): string[] {
  const names = isAtLeast(version, '3.33')
    ? ['calico', 'node', 'third-party-cni-plugins']
    : [
        'apiserver',
        'cni',
        'csi',
        'kube-controllers',
        'node',
        'node-driver-registrar',
        'pod2daemon-flexvol',
        'typha',
      ];
  return names.map((name) => `quay.io/calico/${name}:v${version}`);
}

/**
 * Every image that objects name, in order, once each: `image` of containers wherever they stand, so
 * of pods, of what makes pods, and of custom resources that look like them. Skerry's own probe image
 * lies in no registry and is left out.
 */
export function imagesOf(objects: readonly unknown[]): string[] {
  const found = new Set<string>();
  const look = (value: unknown): void => {
    if (Array.isArray(value)) {
      for (const item of value) look(item);
    } else if (value !== null && typeof value === 'object') {
      for (const [key, item] of Object.entries(value)) {
        if (/^(initC|ephemeralC|c)ontainers$/.test(key) && Array.isArray(item)) {
          for (const container of item as readonly { image?: unknown }[]) {
            if (typeof container?.image === 'string') found.add(fullReference(container.image));
          }
        }
        look(item);
      }
    }
  };
  look(objects);
  found.delete(probeImage);
  return [...found];
}

/** As the kubelet completes it: `busybox` is `docker.io/library/busybox:latest`. */
function fullReference(image: string): string {
  const [first = '', ...rest] = image.split('/');
  const named = rest.length > 0 && /[.:]|^localhost$/.test(first);
  const path = named ? image : `docker.io/${rest.length === 0 ? 'library/' : ''}${image}`;
  return /[:@][^/]*$/.test(path) ? path : `${path}:latest`;
}
