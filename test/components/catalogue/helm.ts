import { link } from 'node:fs/promises';
import { join } from 'node:path';
import { go, type Component } from '../component.ts';
import { architecture, here, requiredVersion } from '../workshop.ts';

const wrapper = join(here, 'helm');
const module = 'helm.sh/helm/v4';

/** Helm for the operator's machine: charts are rendered there. */
export const helm: Component = {
  name: 'helm',
  tools: [go],
  inputs: () => Promise.resolve(''),
  sources: ['catalogue/helm.ts', 'helm/go.mod', 'helm/go.sum'],
  make: async (workshop, folder) => {
    const version = await requiredVersion(wrapper, module);
    const variables = { [`${module}/internal/version.version`]: `v${version}` };
    const programs = await workshop.goPrograms({ name: 'helm', folder: wrapper, variables });
    await link(join(programs, 'helm'), join(folder, 'helm'));
    const origin = `go module ${module} v${version}`;
    return [
      { file: 'helm', artifact: { kind: 'tool', name: 'helm', version, origin, architecture } },
    ];
  },
};
