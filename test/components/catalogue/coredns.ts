import { join } from 'node:path';
import { go, type Component } from '../component.ts';
import { here, requiredVersion } from '../workshop.ts';

const wrapper = join(here, 'coredns');
const module = 'github.com/coredns/coredns';

/** CoreDNS in the version that kubeadm of this Kubernetes names (`kubeadm config images list`). */
export const coredns: Component = {
  name: 'coredns',
  tools: [go],
  inputs: () => Promise.resolve(''),
  sources: ['catalogue/coredns.ts', 'coredns/go.mod', 'coredns/go.sum'],
  make: async (workshop, folder) => {
    const version = await requiredVersion(wrapper, module);
    const programs = await workshop.goPrograms({ name: 'coredns', folder: wrapper });
    const image = await workshop.image(
      folder,
      // As root: the capability to bind port 53 that upstream sets on the file is not needed then.
      { reference: `registry.k8s.io/coredns/coredns:v${version}`, entrypoint: ['/coredns'] },
      [{ path: '/coredns', mode: 0o755, file: join(programs, 'coredns') }],
      `go module ${module} v${version}`,
    );
    return [image];
  },
};
