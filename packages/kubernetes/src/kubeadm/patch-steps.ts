import type { Inventory } from '@skerry/inventory';
import { directory, file, type Step } from '@skerry/steps';
import { patches } from '../kinds/patches.ts';
import { patchesFolder } from './configuration.ts';

/** The folder of kubeadm's patches with those of the inventory, each in a file, and with no others. */
export function patchSteps({ kubernetes }: Inventory): Step[] {
  const files = Object.entries(kubernetes.kubeadm.patches).map(([name, patch]) => ({
    name: `${name}.json`,
    content: `${JSON.stringify(patch, null, 2)}\n`,
  }));
  return [
    directory(patchesFolder, { when: files.length > 0 }),
    ...files.map(({ name, content }) => file(`${patchesFolder}/${name}`, { content })),
    patches({ folder: patchesFolder, kept: files.map(({ name }) => name) }),
  ];
}
