import { DiagnosticError } from '@skerry/diagnostics';
import type { Host, Inventory } from '@skerry/inventory';
import type { Artifact, Bundle } from '@skerry/steps';
import { kubeadmImages } from './bundle-content/images.ts';
import { kubeVipImage } from './endpoint/kube-vip.ts';
import { pauseImageOf } from './pause-image.ts';
import { bundledFor } from './programs.ts';

/** A host of a play. */
export type ImageHost = Host & { readonly facts: { readonly architecture: string } };

/**
 * What a node runs before anything is applied to the cluster: static pods, kube-proxy, CoreDNS. A
 * control plane is refused by kubeadm until it has all of them.
 */
function neededBy(inventory: Inventory, host: Host): string[] {
  const { kubernetes } = inventory;
  const { version = '', network, endpoint } = kubernetes;
  const control = host.roles.includes('control-plane');
  const own = (kubeadmImages(version) ?? []).filter((reference) =>
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
  const there = new Set(images.map(({ reference }) => reference));
  const missing = [...new Set(neededBy(inventory, host))].filter((name) => !there.has(name));
  if (missing.length === 0) return images;
  throw new DiagnosticError(
    missing.map((reference) => ({
      code: 'bundle-image',
      severity: 'error' as const,
      what: `the bundle has no image ${reference} for ${architecture}`,
      at: { host: host.name },
      why: 'where there is a bundle nothing comes from elsewhere, and this node cannot start without it',
      fix: 'make a bundle of this inventory: bootstrap bundle create INVENTORY --out DIR',
    })),
  );
}
