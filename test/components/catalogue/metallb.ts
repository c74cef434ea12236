import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { go, type Component } from '../component.ts';
import { here, requiredVersion } from '../workshop.ts';

const wrapper = join(here, 'metallb');
const module = 'go.universe.tf/metallb';

/** MetalLB in native mode: controller, speaker, and the manifest that its module brings. */
export const metallb: Component = {
  name: 'metallb',
  tools: [go],
  inputs: () => Promise.resolve(''),
  sources: [
    'catalogue/metallb.ts',
    'metallb/go.mod',
    'metallb/go.sum',
    'metallb/frr-k8s/api/v1beta1/types.go',
  ],
  make: async (workshop, folder) => {
    const version = await requiredVersion(wrapper, module);
    const origin = `go module ${module} v${version}`;
    const programs = await workshop.goPrograms({ name: 'metallb', folder: wrapper });
    const images = [];
    for (const name of ['controller', 'speaker']) {
      const image = await workshop.image(
        folder,
        { reference: `quay.io/metallb/${name}:v${version}`, entrypoint: [`/${name}`] },
        [{ path: `/${name}`, mode: 0o755, file: join(programs, name) }],
        origin,
      );
      images.push({ ...image, artifact: { ...image.artifact, name: `metallb-${name}` } });
    }
    const manifest = 'metallb-native.yaml';
    const unpacked = await workshop.moduleFolder(wrapper, module);
    await copyFile(join(unpacked, 'config/manifests', manifest), join(folder, manifest));
    const described = { kind: 'manifest' as const, name: 'metallb', version, origin };
    return [...images, { file: manifest, artifact: described }];
  },
};
