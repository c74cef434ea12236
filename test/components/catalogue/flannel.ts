import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gcc, go, mmdebstrap, type Component } from '../component.ts';
import { here, requiredVersion } from '../workshop.ts';

const wrapper = join(here, 'flannel');
const module = 'github.com/flannel-io/flannel';

const pluginWrapper = join(here, 'flannel-cni');
const pluginModule = 'github.com/containernetworking/plugins';

/** The name that Flannel's manifest has for its CNI plugin's image. */
const pluginReference = /image: (ghcr\.io\/flannel-io\/flannel-cni-plugin:\S+)/;

/** Flannel, its CNI plugin, and the manifest that its module brings. */
export const flannel: Component = {
  name: 'flannel',
  tools: [go, gcc, mmdebstrap],
  inputs: () => Promise.resolve(''),
  sources: [
    'catalogue/flannel.ts',
    'flannel/go.mod',
    'flannel/go.sum',
    'flannel-cni/go.mod',
    'flannel-cni/go.sum',
  ],
  make: async (workshop, folder) => {
    const version = await requiredVersion(wrapper, module);
    const origin = `go module ${module} v${version}`;
    const programs = await workshop.goPrograms({
      name: 'flannel',
      folder: wrapper,
      variables: { [`${module}/pkg/version.Version`]: `v${version}` },
      // its backend "udp" is C
      c: true,
    });
    const root = await workshop.debianLayer('flannel', [
      'base-files',
      'ca-certificates',
      'iproute2',
      'iptables',
      'nftables',
    ]);
    const daemon = await workshop.image(
      folder,
      {
        reference: `ghcr.io/flannel-io/flannel:v${version}`,
        entrypoint: ['/opt/bin/flanneld'],
      },
      [
        { path: '/opt/bin/flanneld', mode: 0o755, file: join(programs, 'flannel') },
        { path: '/opt/bin/install-conf', mode: 0o755, file: join(programs, 'install_conf') },
        ...['iptables', 'ip6tables'].flatMap((name) =>
          ['', '-save', '-restore'].map((suffix) => ({
            path: `/usr/sbin/${name}${suffix}`,
            link: 'xtables-nft-multi',
          })),
        ),
      ],
      origin,
      [root],
    );
    const manifest = 'kube-flannel.yml';
    const unpacked = await workshop.moduleFolder(wrapper, module);
    const source = join(unpacked, 'Documentation', manifest);
    const text = await readFile(source, 'utf8');
    await writeFile(join(folder, manifest), text);
    const reference = pluginReference.exec(text)?.[1];
    if (reference === undefined) throw new Error(`${source} names no image of the CNI plugin`);
    const plugins = await workshop.goPrograms({ name: 'flannel-cni', folder: pluginWrapper });
    const tools = await workshop.debianLayer('flannel-cni', ['base-files', 'coreutils']);
    const plugin = await workshop.image(
      folder,
      { reference, entrypoint: [] },
      [{ path: '/flannel', mode: 0o755, file: join(plugins, 'flannel') }],
      `go module ${pluginModule} v${await requiredVersion(pluginWrapper, pluginModule)}`,
      [tools],
    );
    const described = { kind: 'manifest' as const, name: 'flannel', version, origin };
    return [daemon, plugin, { file: manifest, artifact: described }];
  },
};
