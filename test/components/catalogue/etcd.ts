import { join } from 'node:path';
import { go, type Component } from '../component.ts';
import { here, requiredVersion } from '../workshop.ts';

const wrapper = join(here, 'etcd');
const module = 'go.etcd.io/etcd/server/v3';

/**
 * etcd with etcdctl, in the version that kubeadm of this Kubernetes names
 * (`kubeadm config images list`); the 0 after it counts upstream's builds of the image.
 */
export const etcd: Component = {
  name: 'etcd',
  tools: [go],
  inputs: () => Promise.resolve(''),
  sources: ['catalogue/etcd.ts', 'etcd/go.mod', 'etcd/go.sum'],
  make: async (workshop, folder) => {
    const version = await requiredVersion(wrapper, module);
    const programs = await workshop.goPrograms({ name: 'etcd', folder: wrapper });
    const image = await workshop.image(
      folder,
      { reference: `registry.k8s.io/etcd:${version}-0`, entrypoint: ['/usr/local/bin/etcd'] },
      [
        { path: '/usr/local/bin/etcd', mode: 0o755, file: join(programs, 'server') },
        { path: '/usr/local/bin/etcdctl', mode: 0o755, file: join(programs, 'etcdctl') },
      ],
      `go module ${module} v${version}`,
    );
    return [image];
  },
};
