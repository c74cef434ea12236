import { link, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { go, type Component } from '../component.ts';
import { architecture, here, requiredVersion } from '../workshop.ts';

const wrapper = join(here, 'cni-plugins');
const module = 'github.com/containernetworking/plugins';

/** The plain CNI plugins, each a program in /opt/cni/bin. */
export const cniPlugins: Component = {
  name: 'cni-plugins',
  tools: [go],
  inputs: () => Promise.resolve(''),
  sources: ['catalogue/cni-plugins.ts', 'cni-plugins/go.mod', 'cni-plugins/go.sum'],
  make: async (workshop, folder) => {
    const version = await requiredVersion(wrapper, module);
    const variables = { [`${module}/pkg/utils/buildversion.BuildVersion`]: `v${version}` };
    const programs = await workshop.goPrograms({ name: 'cni-plugins', folder: wrapper, variables });
    const names = (await readdir(programs)).toSorted();
    for (const name of names) await link(join(programs, name), join(folder, name));
    return names.map((name) => ({
      file: name,
      artifact: {
        kind: 'file' as const,
        name: `cni-${name}`,
        version,
        origin: `go module ${module} v${version}`,
        architecture,
        install: `/opt/cni/bin/${name}`,
        mode: '0755',
      },
    }));
  },
};
