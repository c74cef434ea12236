import { copyFile, link } from 'node:fs/promises';
import { join } from 'node:path';
import type { LayerEntry } from '@skerry/bundle';
import { go, mmdebstrap, type Component } from '../component.ts';
import { architecture, here, requiredVersion } from '../workshop.ts';

const wrapper = join(here, 'kubernetes');
const module = 'k8s.io/kubernetes';

/** What upstream's kube-proxy image has beside the program; it starts modules and writes rules. */
const proxyPackages = ['base-files', 'conntrack', 'ipset', 'iptables', 'kmod', 'nftables'];

/** The names under which programs are looked for; Debian makes them when packages are configured. */
const proxyLinks: readonly LayerEntry[] = ['iptables', 'ip6tables'].flatMap((name) =>
  ['', '-save', '-restore'].map((suffix) => ({
    path: `/usr/sbin/${name}${suffix}`,
    link: 'xtables-nft-multi',
  })),
);

/** Version of Kubernetes that is built, without the leading v. */
export const kubernetesVersion = async (): Promise<string> =>
  await requiredVersion(wrapper, module);

/** Programs for nodes, units of systemd, and the images of control planes and kube-proxy. */
export const kubernetes: Component = {
  name: 'kubernetes',
  tools: [go, mmdebstrap],
  inputs: async () => [await kubernetesVersion(), proxyPackages],
  sources: [
    'catalogue/kubernetes.ts',
    'kubernetes/go.mod',
    'kubernetes/go.sum',
    'units/kubelet.service',
    'units/10-kubeadm.conf',
  ],
  make: async (workshop, folder) => {
    const version = await kubernetesVersion();
    const [major = '', minor = ''] = version.split('.');
    const origin = `go module ${module} v${version}`;
    const variables = Object.fromEntries(
      ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'].flatMap((path) => [
        [`${path}.gitVersion`, `v${version}`],
        [`${path}.gitMajor`, major],
        [`${path}.gitMinor`, minor],
      ]),
    );
    const programs = await workshop.goPrograms({ name: 'kubernetes', folder: wrapper, variables });
    const files = ['kubeadm', 'kubelet', 'kubectl'];
    for (const name of files) await link(join(programs, name), join(folder, name));
    const units = {
      'kubelet.service': '/usr/lib/systemd/system/kubelet.service',
      '10-kubeadm.conf': '/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf',
    };
    for (const name of Object.keys(units)) {
      await copyFile(join(here, 'units', name), join(folder, name));
    }
    const proxyRoot = await workshop.debianLayer('kube-proxy', proxyPackages);
    const images = [];
    for (const name of [
      'kube-apiserver',
      'kube-controller-manager',
      'kube-scheduler',
      'kube-proxy',
    ]) {
      const proxy = name === 'kube-proxy';
      const path = `/usr/local/bin/${name}`;
      const image = await workshop.image(
        folder,
        { reference: `registry.k8s.io/${name}:v${version}`, entrypoint: [path] },
        [{ path, mode: 0o755, file: join(programs, name) }, ...(proxy ? proxyLinks : [])],
        origin,
        proxy ? [proxyRoot] : [],
      );
      images.push(image);
    }
    return [
      ...files.map((name) => ({
        file: name,
        artifact: {
          kind: 'file' as const,
          name,
          version,
          origin,
          architecture,
          install: `/usr/bin/${name}`,
          mode: '0755',
        },
      })),
      ...Object.entries(units).map(([name, install]) => ({
        file: name,
        artifact: {
          kind: 'file' as const,
          name,
          version,
          origin: `Skerry test/components/units/${name}`,
          install,
          mode: '0644',
        },
      })),
      ...images,
    ];
  },
};
