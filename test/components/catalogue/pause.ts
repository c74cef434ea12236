import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gcc, type Component } from '../component.ts';
import { here } from '../workshop.ts';

/** The tag that kubeadm 1.36 names, and so the one that nodes of it get. */
const version = '3.10.2';

export const pause: Component = {
  name: 'pause',
  tools: [gcc],
  inputs: async () => await readFile(join(here, 'pause/pause.c'), 'utf8'),
  sources: ['catalogue/pause.ts'],
  make: async (workshop, folder) => {
    const program = join(folder, 'pause');
    await workshop.run(['gcc', '-Os', '-static', '-s', '-o', program, join(here, 'pause/pause.c')]);
    const image = await workshop.image(
      folder,
      {
        reference: `registry.k8s.io/pause:${version}`,
        entrypoint: ['/pause'],
        user: '65535:65535',
      },
      [{ path: '/pause', mode: 0o755, file: program }],
      'Skerry test/components/pause/pause.c',
    );
    return [image];
  },
};
