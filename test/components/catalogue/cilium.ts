import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { LayerEntry } from '@skerry/bundle';
import { go, mmdebstrap, type Component } from '../component.ts';
import { here, requiredVersion } from '../workshop.ts';

const wrapper = join(here, 'cilium');
const module = 'github.com/cilium/cilium';

/** clang in the version that Cilium's own image has; it compiles the BPF programs on each node. */
const clang = 19;
const agentPackages = [
  'base-files',
  'bash',
  'bpftool',
  'ca-certificates',
  'coreutils',
  'dash',
  'findutils',
  'grep',
  'ipset',
  'iproute2',
  'iptables',
  'kmod',
  'mount',
  'procps',
  'sed',
  'util-linux',
  `clang-${clang}`,
];

/** What clang brings for other targets than BPF. */
const without = [
  'usr/include',
  'usr/lib/gcc',
  'usr/lib/*/*.a',
  'usr/lib/*/gconv',
  'usr/libexec/gcc',
  'usr/share/gcc',
  'usr/share/perl*',
  'usr/share/zoneinfo',
  `usr/lib/llvm-${clang}/lib/*.a`,
  `usr/lib/llvm-${clang}/lib/clang/${clang}/lib`,
];

/** Programs of the agent's image by what the Go packages are called. */
const agentPrograms: Readonly<Record<string, string>> = {
  daemon: '/usr/bin/cilium-agent',
  'cilium-dbg': '/usr/bin/cilium-dbg',
  'cilium-health': '/usr/bin/cilium-health',
  responder: '/usr/bin/cilium-health-responder',
  hubble: '/usr/bin/hubble',
  mount: '/usr/bin/cilium-mount',
  sysctlfix: '/usr/bin/cilium-sysctlfix',
  'cilium-cni': '/opt/cni/bin/cilium-cni',
};

/** Where Debian has what is called otherwise when packages are configured. */
const links: readonly LayerEntry[] = [
  { path: '/usr/bin/sh', link: 'dash' },
  // By it the agent finds the node's cgroups, mounted at /run/cilium/cgroupv2: its chart gives it
  // /var/run/cilium only. Without it programs for sockets are attached to the agent's own cgroup.
  { path: '/var/run', link: '/run' },
  { path: '/usr/local/bin/clang', link: `/usr/lib/llvm-${clang}/bin/clang` },
  ...['iptables', 'ip6tables'].flatMap((name) =>
    ['', '-save', '-restore'].map((suffix) => ({
      path: `/usr/sbin/${name}${suffix}`,
      link: 'xtables-nft-multi',
    })),
  ),
];

/** Cilium: the agent with its BPF programs as sources, operator, Hubble's relay, and the chart. */
export const cilium: Component = {
  name: 'cilium',
  tools: [go, mmdebstrap],
  inputs: () => Promise.resolve(''),
  sources: ['catalogue/cilium.ts', 'cilium/go.mod', 'cilium/go.sum', 'cni-plugins/go.mod'],
  make: async (workshop, folder) => {
    const version = await requiredVersion(wrapper, module);
    const origin = `go module ${module} v${version}`;
    const programs = await workshop.goPrograms({
      name: 'cilium',
      folder: wrapper,
      tags: ['osusergo', 'ipam_provider_operator'],
      // "version revision time", which is taken apart again
      variables: {
        [`${module}/pkg/version.ciliumVersion`]: `${version} skerry 1970-01-01T00:00:00Z`,
      },
    });
    const plugins = await workshop.goPrograms({
      name: 'cni-plugins',
      folder: join(here, 'cni-plugins'),
      variables: {
        'github.com/containernetworking/plugins/pkg/utils/buildversion.BuildVersion': `v${await requiredVersion(join(here, 'cni-plugins'), 'github.com/containernetworking/plugins')}`,
      },
    });
    const root = await workshop.debianLayer('cilium', agentPackages, without);
    const unpacked = await workshop.moduleFolder(wrapper, module);
    const script = (path: string): LayerEntry => ({
      path: `/${path.slice(path.lastIndexOf('/') + 1)}`,
      mode: 0o755,
      file: join(unpacked, path),
    });
    const agent = await workshop.image(
      folder,
      {
        reference: `quay.io/cilium/cilium:v${version}`,
        entrypoint: [],
        command: ['/usr/bin/cilium-dbg'],
        workingDirectory: '/home/cilium',
        environment: [
          'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
          'HUBBLE_SERVER=unix:///var/run/cilium/hubble.sock',
          'INITSYSTEM=SYSTEMD',
        ],
      },
      [
        ...Object.entries(agentPrograms).map(([name, path]) => ({
          path,
          mode: 0o755,
          file: join(programs, name),
        })),
        { path: '/cni/loopback', mode: 0o755, file: join(plugins, 'loopback') },
        script('images/cilium/init-container.sh'),
        script('plugins/cilium-cni/install-plugin.sh'),
        script('plugins/cilium-cni/cni-uninstall.sh'),
        ...(await bpfSources(join(unpacked, 'bpf'))),
        ...links,
        { path: '/home/cilium', mode: 0o755, folder: true },
      ],
      origin,
      [root],
    );
    const certificates: LayerEntry = {
      path: '/etc/ssl/certs/ca-certificates.crt',
      mode: 0o644,
      text: await readFile('/etc/ssl/certs/ca-certificates.crt', 'utf8').catch(() => ''),
    };
    const gops: LayerEntry = { path: '/home/gops', mode: 0o777, folder: true };
    const environment = ['GOPS_CONFIG_DIR=/home/gops', 'PATH=/usr/bin'];
    const operator = await workshop.image(
      folder,
      {
        reference: `quay.io/cilium/operator-generic:v${version}`,
        entrypoint: [],
        command: ['/usr/bin/cilium-operator-generic'],
        environment,
      },
      [
        { path: '/usr/bin/cilium-operator-generic', mode: 0o755, file: join(programs, 'operator') },
        certificates,
        gops,
      ],
      origin,
    );
    const relay = await workshop.image(
      folder,
      {
        reference: `quay.io/cilium/hubble-relay:v${version}`,
        entrypoint: ['/usr/bin/hubble-relay'],
        command: ['serve'],
        user: '65532:65532',
        environment,
      },
      [{ path: '/usr/bin/hubble-relay', mode: 0o755, file: join(programs, 'hubble-relay') }, gops],
      origin,
    );
    const chart = `cilium-${version}.tgz`;
    await workshop.chart(join(unpacked, 'install/kubernetes/cilium'), join(folder, chart));
    const described = { kind: 'chart' as const, name: 'cilium', version, origin };
    return [
      agent,
      { ...operator, artifact: { ...operator.artifact, name: 'cilium-operator' } },
      relay,
      { file: chart, artifact: described },
    ];
  },
};

/** The sources that the agent compiles, without their tests. */
async function bpfSources(folder: string): Promise<LayerEntry[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .filter((path) => !/^(complexity-)?tests\//.test(path))
    .toSorted()
    .map((path) => ({
      path: `/var/lib/cilium/bpf/${path}`,
      mode: 0o644,
      file: join(folder, path),
    }));
}
