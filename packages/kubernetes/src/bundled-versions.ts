import { DiagnosticError, type Diagnostic } from '@skerry/diagnostics';
import type { Inventory } from '@skerry/inventory';
import type { Bundle } from '@skerry/steps';
import { addOnsOf } from './bundle-content/content.ts';

/** Where below `kubernetes` an inventory names the version of a manifest or chart. */
const settings: Readonly<Record<string, string>> = {
  cilium: 'network.cni.cilium.version',
  'calico-crds': 'network.cni.calico.version',
  calico: 'network.cni.calico.version',
  flannel: 'network.cni.flannel.version',
  metallb: 'loadBalancer.metallb.version',
  'node-local-dns': 'version',
};

/**
 * Throws a DiagnosticError where a manifest or chart of a bundle has another version than the
 * inventory leads to. Texts are found by name: values and settings for one version would be given to
 * another, and the plan would name a version that is not there. What a bundle lacks is told by who
 * asks for its text.
 */
export function expectBundledVersions(bundle: Bundle, inventory: Inventory): void {
  const wrong = addOnsOf(inventory).flatMap(({ kind, name, version }): Diagnostic[] => {
    // The first of a name is the one that is read.
    const found = bundle.artifacts.find((one) => one.kind === kind && one.name === name);
    if (found === undefined || found.version === version) return [];
    const setting = settings[name];
    const place = setting === undefined ? undefined : inventory.kubernetesPlaces.get(setting);
    return [
      {
        code: 'bundle-version',
        severity: 'error',
        what: `the bundle has the ${kind} ${name} ${found.version}, and ${version} is to be installed`,
        ...(place === undefined ? {} : { at: place }),
        why:
          place === undefined
            ? `the inventory names no version of it, and Skerry takes ${version}; where there is a bundle nothing comes from elsewhere`
            : 'the inventory asks for it, and where there is a bundle nothing comes from elsewhere',
        fix: fixFor(name, setting, found.version),
      },
    ];
  });
  if (wrong.length > 0) throw new DiagnosticError(wrong);
}

/** NodeLocal DNSCache is of Kubernetes' own version, and those of Gateway API and Envoy Gateway cannot be chosen. */
function fixFor(name: string, setting: string | undefined, version: string): string {
  const anew = 'make a bundle of this inventory: bootstrap bundle create INVENTORY --out DIR';
  if (setting === undefined || name === 'node-local-dns') return anew;
  return `${anew}\nor take the version that the bundle has: "version: ${version}" in kubernetes.${setting.replace(/\.version$/, '')}`;
}
