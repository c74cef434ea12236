import { DiagnosticError, type Diagnostic } from '@skerry/diagnostics';
import type { Host, Inventory } from '@skerry/inventory';
import type { Artifact, Bundle } from '@skerry/steps';
import {
  imagesOf,
  kubeadmImages,
  kubeadmNames,
  kubernetesImages,
} from './bundle-content/images.ts';
import { kubeVipImage } from './endpoint/kube-vip.ts';
import type { ObjectGroup } from './objects/desired-objects.ts';
import { pauseImageOf } from './pause-image.ts';
import { bundledFor } from './programs.ts';

/** A host of a play. */
export type ImageHost = Host & { readonly facts: { readonly architecture: string } };

/**
 * What a node runs before anything is applied to the cluster: static pods, kube-proxy, CoreDNS. A
 * control plane is refused by kubeadm until it has all of them. Of a version of Kubernetes whose
 * images nobody has read, etcd and CoreDNS have no tag: any of theirs will do here, and kubeadm looks
 * itself for the one that it wants.
 */
function neededBy(inventory: Inventory, host: Host): string[] {
  const { kubernetes } = inventory;
  const { version = '', network, endpoint } = kubernetes;
  const control = host.roles.includes('control-plane');
  const known = kubeadmImages(version) ?? [...kubernetesImages(version), ...kubeadmNames];
  const own = known.filter((reference) =>
    reference.includes('/kube-proxy:') ? network.proxy !== 'none' : control,
  );
  return [
    ...own,
    ...(control && endpoint?.via === 'kube-vip' ? [kubeVipImage] : []),
    pauseImageOf(inventory, host),
  ];
}

/** Images of a bundle for a node. Throws a DiagnosticError where it lacks one that the node cannot do without. */
export function bundledImages(
  bundle: Bundle,
  inventory: Inventory,
  host: ImageHost,
): readonly Extract<Artifact, { kind: 'image' }>[] {
  const { architecture } = host.facts;
  const controlPlane = host.roles.includes('control-plane');
  const { images } = bundledFor(bundle, { architecture, controlPlane });
  const there = images.map(({ reference }) => reference);
  const isThere = (wanted: string): boolean =>
    there.some((reference) => reference === wanted || reference.startsWith(`${wanted}:`));
  const missing = [...new Set(neededBy(inventory, host))].filter((name) => !isThere(name));
  if (missing.length === 0) return images;
  throw new DiagnosticError(
    missing.map((reference) => ({
      ...lacking(reference, architecture),
      at: { host: host.name },
      why: 'where there is a bundle nothing comes from elsewhere, and this node cannot start without it',
    })),
  );
}

/**
 * Throws a DiagnosticError where objects of the cluster name images that a bundle has not for each
 * architecture of its nodes (`x86_64` as `uname -m` says it, or `amd64`): their pods would never start.
 */
export function expectBundledImages(
  bundle: Bundle,
  groups: readonly ObjectGroup[],
  architectures: readonly string[],
): void {
  const wanted = groups.flatMap(({ objects }) =>
    objects.filter(({ ownership }) => ownership !== 'absent'),
  );
  const missing = [...new Set(architectures)].flatMap((architecture) => {
    const { images } = bundledFor(bundle, { architecture, controlPlane: true });
    const seen = new Set(images.map(({ reference }) => reference));
    return wanted.flatMap(({ object, origin }) =>
      imagesOf([object]).flatMap((reference) => {
        if (seen.has(reference)) return [];
        seen.add(reference);
        const { kind, metadata } = object;
        const why = `${kind} ${metadata.name} (${origin}) runs it, and where there is a bundle nothing comes from elsewhere`;
        return [{ ...lacking(reference, architecture), why }];
      }),
    );
  });
  if (missing.length > 0) throw new DiagnosticError(missing);
}

function lacking(reference: string, architecture: string): Diagnostic {
  const image = kubeadmNames.includes(reference) ? `${reference}, of any version,` : reference;
  return {
    code: 'bundle-image',
    severity: 'error',
    what: `the bundle has no image ${image} for ${architecture}`,
    fix: 'make a bundle of this inventory: bootstrap bundle create INVENTORY --out DIR',
  };
}
