import { dirname, join } from 'node:path';
import { probeImage } from '@skerry/kubernetes';
import { go, type Component } from '../component.ts';
import { goSources, here } from '../workshop.ts';

const sources = join(dirname(dirname(here)), 'images/probe');

/** The pods of `bootstrap verify`: this repository's own program, alone in its image. */
export const probe: Component = {
  name: 'probe',
  tools: [go],
  inputs: async () => [probeImage, await goSources(sources)],
  sources: ['catalogue/probe.ts'],
  make: async (workshop, folder) => {
    const programs = await workshop.goPrograms({ name: 'probe', folder: sources, packages: ['.'] });
    const image = await workshop.image(
      folder,
      { reference: probeImage, entrypoint: ['/probe'], user: '65534:65534' },
      [{ path: '/probe', mode: 0o755, file: join(programs, 'probe') }],
      'Skerry images/probe',
    );
    return [image];
  },
};
