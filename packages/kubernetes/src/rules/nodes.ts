import { addressRange, parseRange, rangeContains } from '../address-range.ts';
import { kernelAtLeast } from '../kernel-version.ts';
import { componentOf } from '../matrix/components.ts';
import { releaseOf } from '../matrix/kubernetes-releases.ts';
import { proxyModeOf } from '../matrix/proxy-modes.ts';
import { overlayOf } from '../overlay.ts';
import type { NodeFacts, Rule, Subject } from './rule.ts';

type Interface = NodeFacts['interfaces'][number];

/** Frames above this count as jumbo frames, in bytes. */
const jumbo = 8000;

/** Of each host whose facts are known: the interface that has its address in the inventory. */
function* uplinks({ inventory, facts }: Subject): Iterable<{ host: string; link: Interface }> {
  for (const { name, address } of inventory.hosts) {
    const found = facts.get(name)?.interfaces.find(({ addresses }) => {
      return addresses.some((one) => one.split('/')[0] === address);
    });
    if (found !== undefined) yield { host: name, link: found };
  }
}

/** The kernels that something of the inventory needs, each with what needs it. */
function kernelsNeeded({ kubernetes: { version, network } }: Subject): [string, string][] {
  const needed: [string, string][] = [
    [proxyModeOf(network.proxy).kernel, `proxy: ${network.proxy}`],
  ];
  const release = version === undefined ? undefined : releaseOf(version);
  if (release !== undefined) needed.push([release.kernel, `Kubernetes ${release.series}`]);
  const cni = network.cni === undefined ? undefined : componentOf(network.cni.name);
  if (cni?.kernel !== undefined) needed.push([cni.kernel, cni.name]);
  return needed;
}

function isNewEnough(kernel: string, least: string): boolean {
  const [major, minor] = least.split('.').map(Number);
  return kernelAtLeast(kernel, major ?? 0, minor ?? 0);
}

export const nodeRules: readonly Rule[] = [
  {
    id: 'kernel-too-old',
    severity: 'error',
    wants: 'Every kernel is new enough for the proxy mode, for the CNI and for Kubernetes.',
    reason: 'what carries Services would not start, or would drop packets',
    fix: 'install a newer kernel, or take another mode: ipvs and iptables run on kernel 5.4',
    source: 'KEP-3866 (5.13 for nftables); Cilium system requirements (5.10)',
    needs: 'facts',
    *check(subject) {
      for (const [host, { kernel }] of subject.facts) {
        for (const [least, what] of kernelsNeeded(subject)) {
          if (isNewEnough(kernel, least)) continue;
          yield { what: `${host} has kernel ${kernel}, ${what} needs ${least}`, at: { host } };
          break;
        }
      }
    },
  },
  {
    id: 'cgroup-v1',
    severity: 'error',
    wants: 'Every host runs cgroup v2.',
    reason: 'the kubelet refuses to start on cgroup v1 since Kubernetes 1.35',
    fix: 'boot with systemd.unified_cgroup_hierarchy=1 (node.kernelArguments), or a newer system',
    source: 'KEP-5573',
    needs: 'facts',
    *check({ kubernetes: { version }, facts }) {
      const release = version === undefined ? undefined : releaseOf(version);
      if (release === undefined || release.cgroupV1) return;
      for (const [host, { cgroup }] of facts) {
        if (cgroup === 1) yield { what: `${host} runs cgroup v1`, at: { host } };
      }
    },
  },
  {
    id: 'xen-without-bpf',
    severity: 'warning',
    wants: 'A host that runs Services by eBPF is no old Xen guest.',
    reason: 'kernels of old Xen guests lack kinds of BPF maps that Cilium needs',
    fix: 'verify on one node first, or take a mode of kube-proxy',
    source: 'Cilium system requirements',
    needs: 'facts',
    *check({ kubernetes: { network }, facts }) {
      if (network.proxy !== 'none') return;
      for (const [host, { virtualization }] of facts) {
        if (virtualization === 'xen') yield { what: `${host} is a Xen guest`, at: { host } };
      }
    },
  },
  {
    id: 'mtu-too-large',
    severity: 'error',
    wants: 'The MTU of pods and what the CNI puts around their packets fit the path between nodes.',
    reason: 'large packets between nodes vanish: connections open and then hang',
    fix: 'leave "mtu" out, or make it smaller',
    source: 'RFC 7348 (VXLAN), RFC 8926 (Geneve), RFC 2003 (IPIP)',
    needs: 'inventory',
    *check(subject) {
      const { mtu, pathMtu, cni } = subject.kubernetes.network;
      if (mtu === undefined) return;
      const { name, overhead } = overlayOf(cni);
      const needed = mtu + overhead;
      const sum = overhead === 0 ? `${mtu} bytes` : `${mtu} bytes and ${overhead} of ${name}`;
      if (pathMtu !== undefined && needed > pathMtu) {
        yield {
          what: `${sum} do not fit a path of ${pathMtu}`,
          at: 'network.mtu',
          fix: `write at most ${pathMtu - overhead}, or leave "mtu" out`,
        };
      }
      for (const { host, link } of uplinks(subject)) {
        if (needed <= link.mtu) continue;
        yield {
          what: `${sum} do not fit ${link.name} of ${host}, which has ${link.mtu}`,
          at: { host },
          fix: `write at most ${link.mtu - overhead}, or leave "mtu" out`,
        };
      }
    },
  },
  {
    id: 'path-mtu-wrong',
    severity: 'error',
    wants: 'Every node’s interface carries what the inventory says of the path.',
    reason: 'a path carries no more than its narrowest part',
    fix: 'correct "pathMtu", or the interface',
    source: 'RFC 1191',
    needs: 'facts',
    *check(subject) {
      const { pathMtu } = subject.kubernetes.network;
      if (pathMtu === undefined) return;
      for (const { host, link } of uplinks(subject)) {
        if (link.mtu >= pathMtu) continue;
        yield {
          what: `${link.name} of ${host} carries ${link.mtu} bytes, the path should carry ${pathMtu}`,
          at: { host },
        };
      }
    },
  },
  {
    id: 'jumbo-not-everywhere',
    severity: 'warning',
    wants: 'Jumbo frames are on everywhere, or nowhere.',
    reason: 'nodes with jumbo frames send packets that the others drop without a word',
    fix: 'set the same MTU on the interface of every node, and on the switches between them',
    source: 'RFC 4821',
    needs: 'facts',
    *check(subject) {
      const links = [...uplinks(subject)];
      const large = links.filter(({ link }) => link.mtu >= jumbo).length;
      if (large === 0 || large === links.length) return;
      for (const { host, link } of links) {
        if (link.mtu >= jumbo) continue;
        const others = `${large} of ${links.length} nodes have jumbo frames`;
        yield {
          what: `${link.name} of ${host} has an MTU of ${link.mtu}; ${others}`,
          at: { host },
        };
      }
    },
  },
  {
    id: 'nodes-share-no-segment',
    severity: 'error',
    wants:
      'Where packets of pods travel without a tunnel and without BGP, all nodes share one L2 segment.',
    reason: 'a route to a node works only where the node is a direct neighbour',
    fix: 'take a tunnel, as in "cilium: {routing: vxlan}", or routes by BGP',
    source: 'Cilium autoDirectNodeRoutes; Flannel host-gw',
    needs: 'facts',
    *check(subject) {
      const { cni } = subject.kubernetes.network;
      const direct =
        cni?.name === 'routed' ||
        (cni?.name === 'flannel' && cni.backend === 'host-gw') ||
        (cni?.name === 'cilium' && cni.routing === 'native' && cni.directRoutes);
      if (!direct) return;
      const [first] = uplinks(subject);
      const home = subject.inventory.hosts.find(({ name }) => name === first?.host);
      const segment = first?.link.addresses
        .map(parseRange)
        .find((range) => range !== undefined && rangeContains(range, home?.address ?? ''));
      if (first === undefined || segment === undefined) return;
      for (const { name, address } of subject.inventory.hosts) {
        if (addressRange(address) === undefined || rangeContains(segment, address)) continue;
        yield {
          what: `${name} (${address}) is not in the segment of ${first.host}`,
          at: { host: name },
        };
      }
    },
  },
];
