import type { SourcePosition } from '@skerry/diagnostics';
import type { Host, Inventory } from '@skerry/inventory';
import { bundleContent } from '../bundle-content/content.ts';
import { imagesBesideObjects } from '../bundle-content/images.ts';
import { replaceOrigin } from '../bundle-content/replace-origin.ts';
import { distributions } from '../matrix/distributions.ts';
import { hostAndPort, hostOfUrl, type Contact } from './endpoint.ts';

/**
 * Where servers send their clients on to. registry.k8s.io: github.com/kubernetes/registry.k8s.io,
 * "Stability" (no list is promised); GitHub: docs.github.com, "About GitHub's IP addresses"; Docker:
 * docs.docker.com, "Allowlist"; Quay: access.redhat.com/articles/7084334. Read 2026-11-22.
 */
const sentOn: Readonly<Record<string, readonly string[]>> = {
  'registry.k8s.io': ['*.pkg.dev', '*.amazonaws.com'],
  'quay.io': ['*.quay.io'],
  'ghcr.io': ['pkg-containers.githubusercontent.com'],
  'github.com': ['*.githubusercontent.com'],
  'dl.k8s.io': ['cdn.dl.k8s.io'],
  'docker.io': ['registry-1.docker.io', 'auth.docker.io', 'production.cloudflare.docker.com'],
};

/** A host with those that it sends its clients on to. */
function withSentOn(contact: Contact): Contact[] {
  const further = (sentOn[contact.host] ?? []).map((host) => ({
    ...contact,
    host,
    reason: `where ${contact.host} sends its clients`,
  }));
  return [contact, ...further];
}

/** What `bundle create` contacts, from the machine that runs it, with packages of some distributions. */
export function fetchContacts(inventory: Inventory, of: readonly string[]): Contact[] {
  const { origins, version } = inventory.kubernetes;
  if (version === undefined) return [];
  const place = inventory.kubernetesPlaces.get('origins');
  const content = bundleContent(inventory, { architectures: ['amd64'], toolArchitecture: 'amd64' });
  const urls = content.map((item) => ({
    reason: `bundle create: ${item.kind === 'archive' ? 'files' : item.kind} ${item.name}`,
    upstream: item.kind === 'chart' ? item.repository : item.download.url,
  }));
  const images = imageRegistries(inventory).map(({ registry }) => ({
    reason: `bundle create: images of ${registry}`,
    upstream: registry,
  }));
  const packages = distributions
    .filter(({ distribution }) => of.includes(distribution))
    .flatMap(({ distribution, repositories }) =>
      repositories.map(({ uri }) => ({
        reason: `bundle create: packages of ${distribution}`,
        upstream: uri,
      })),
    );
  return [...urls, ...packages, ...images].flatMap(({ reason, upstream }) => {
    const from = replaceOrigin(upstream, origins);
    const target = /^https?:/.test(from)
      ? hostOfUrl(from)
      : hostAndPort(from.split('/')[0] ?? '', 443);
    if (target === undefined) return [];
    const at = from === upstream || place === undefined ? {} : { at: place };
    return withSentOn({ ...target, protocol: 'tcp', from: 'operator', reason, ...at });
  });
}

/** The registries that nodes pull from where there is no bundle: mirrors first, then themselves. */
export function registryContacts(inventory: Inventory, nodes: readonly Host[]): Contact[] {
  const registries = imageRegistries(inventory);
  return nodes.flatMap((host) => {
    const { mirrors } = host.node.containerd;
    const places = [...host.origins].filter(([key]) => key.startsWith('node.containerd.mirrors'));
    return registries.flatMap(({ registry, at }): Contact[] => {
      const place = (places.find(([key]) => key.includes(registry)) ?? places[0])?.[1].at;
      const base = { protocol: 'tcp', from: 'nodes' } as const;
      const mirrored = (mirrors[registry] ?? []).flatMap((url) => {
        const target = hostOfUrl(url);
        const reason = `images of ${registry}, from a mirror`;
        if (target === undefined) return [];
        return [{ ...target, ...base, reason, ...(place === undefined ? {} : { at: place }) }];
      });
      const itself: Contact = {
        ...hostAndPort(registry, 443),
        ...base,
        reason: mirrored.length > 0 ? `images, where no mirror answers` : 'images',
        ...(at === undefined ? {} : { at }),
      };
      return [...mirrored, ...withSentOn(itself)];
    });
  });
}

/** The registries of all images that are known before a manifest is read, each once. */
function imageRegistries(
  inventory: Inventory,
): readonly { readonly registry: string; readonly at?: SourcePosition }[] {
  const { kubernetes, kubernetesPlaces: places } = inventory;
  const { cni } = kubernetes.network;
  const images: readonly { image: string; path: string }[] = [
    { image: 'registry.k8s.io/kube-apiserver', path: 'version' },
    ...imagesBesideObjects(inventory).map((image) => ({ image, path: 'version' })),
    ...(cni?.name === 'cilium' ? [{ image: 'quay.io/cilium/cilium', path: 'network.cni' }] : []),
    ...(cni?.name === 'flannel'
      ? [{ image: 'ghcr.io/flannel-io/flannel', path: 'network.cni' }]
      : []),
    ...(kubernetes.loadBalancer.metallb === undefined
      ? []
      : [{ image: 'quay.io/metallb/controller', path: 'loadBalancer.metallb' }]),
  ];
  const found = new Map<string, SourcePosition | undefined>();
  for (const { image, path } of images) {
    const registry = image.split('/')[0] ?? '';
    if (!found.has(registry)) found.set(registry, places.get(path));
  }
  return [...found].map(([registry, at]) => (at === undefined ? { registry } : { registry, at }));
}
