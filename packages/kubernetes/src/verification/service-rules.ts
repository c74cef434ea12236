import { sh, type Check, type Finding, type Fragment } from '@skerry/steps';
import type { ClusterView } from './cluster-view.ts';
import { endpointText } from './cluster-view.ts';
import { processOf } from './etcd.ts';
import { counted, verdictOf } from './probe-tasks.ts';
import { parseCiliumServices } from './tables/cilium.ts';
import { parseIptables } from './tables/iptables.ts';
import { parseIpvs } from './tables/ipvs.ts';
import { parseNftables } from './tables/nftables.ts';
import { frontend, type ServiceTable } from './tables/table.ts';

interface DataPlane {
  /** Where it is looked at, for the reader. */
  readonly where: string;
  readonly read: Fragment;
  readonly parse: (text: string) => ServiceTable;
}

/** The tool of kube-proxy's own container, which is the one that wrote the rules; else the node's. */
const asKubeProxy = `${processOf}
as_kube_proxy() {
  tool=$1
  if process_of kube-proxy 2>/dev/null &&
    nsenter -t "$pid" -m -- sh -c 'command -v "$1"' sh "$tool" >/dev/null 2>&1; then
    nsenter -t "$pid" -m -- "$@"
  else
    command -v "$tool" >/dev/null || {
      echo "$tool is neither in the container of kube-proxy nor on this node" >&2; return 1; }
    "$@"
  fi
}
`;

const planes: Readonly<Record<string, DataPlane>> = {
  ipvs: {
    where: 'IPVS (/proc/net/ip_vs)',
    read: sh('cat /proc/net/ip_vs'),
    parse: parseIpvs,
  },
  nftables: {
    where: 'nftables (table kube-proxy)',
    read: sh(`${asKubeProxy}as_kube_proxy nft -j list table ip kube-proxy`),
    parse: parseNftables,
  },
  iptables: {
    where: 'iptables (KUBE-SERVICES)',
    read: sh(`${asKubeProxy}as_kube_proxy iptables-save -t nat`),
    parse: parseIptables,
  },
  none: {
    where: 'Cilium’s BPF maps',
    read: sh(`${processOf}process_of cilium-agent || exit
nsenter -t "$pid" -m -- cilium-dbg service list -o json`),
    parse: parseCiliumServices,
  },
};

function planeOf({ inventory: { kubernetes } }: ClusterView): DataPlane | undefined {
  const { proxy, cni } = kubernetes.network;
  return proxy === 'none' && cni?.name !== 'cilium' ? undefined : planes[proxy];
}

/** IPv4 only: the tables of IPv6 have the same makers. */
const isFour = (endpoint: string): boolean => !endpoint.includes('[');

interface Wanted {
  readonly key: string;
  readonly service: string;
  readonly backends: readonly string[];
  readonly everywhere: boolean;
}

function wantedOf({ services }: ClusterView): Wanted[] {
  return services
    .flatMap(({ namespace, name, addresses, ports, everywhere }) =>
      addresses.flatMap((address) =>
        ports.map(({ protocol, port, backends }) => ({
          key: frontend(protocol, endpointText(address, port)),
          service: `${namespace}/${name}`,
          backends: backends.filter(isFour),
          everywhere,
        })),
      ),
    )
    .filter(({ key }) => isFour(key));
}

/** Where a node's table says something else than the API. */
function differences(wanted: readonly Wanted[], table: ServiceTable): readonly string[] {
  return wanted.flatMap(({ key, service, backends, everywhere }) => {
    const found = table.get(key);
    const name = `${service} (${key})`;
    if (found === undefined) {
      return backends.length === 0 ? [] : [`${name} is not there`];
    }
    const missing = everywhere ? backends.filter((backend) => !found.has(backend)) : [];
    const foreign = [...found].filter((backend) => !backends.includes(backend));
    return [
      ...(missing.length > 0 ? [`${name} lacks ${missing.join(', ')}`] : []),
      ...(foreign.length > 0 ? [`${name} goes to ${foreign.join(', ')}, no backend of it`] : []),
    ];
  });
}

export const serviceRules: Check<ClusterView> = {
  id: 'service-rules',
  title: 'Every Service has its backends on every node',
  on: 'nodes',
  looksAt:
    'IPVS, nftables, iptables or BPF maps of each node, as the proxy mode is, against the Services and EndpointSlices of the API',
  settles: 60,
  skip: (view) =>
    planeOf(view) === undefined
      ? 'without kube-proxy, only Cilium’s tables can be read'
      : undefined,
  fragment: (view) => planeOf(view)?.read,
  judge(view, answers) {
    const plane = planeOf(view);
    const wanted = wantedOf(view);
    const backends = wanted.reduce((sum, { backends }) => sum + backends.length, 0);
    const findings = [...answers].flatMap(([host, { code, stdout, stderr }]): Finding[] => {
      if (plane === undefined) return [];
      if (code !== 0) {
        return [
          {
            what: `${host}: ${plane.where} could not be read`,
            why: stderr.trim() || `exit ${code}`,
            fix: `look whether kube-proxy, or what replaces it, runs on ${host} in this mode`,
          },
        ];
      }
      const wrong = differences(wanted, plane.parse(stdout));
      if (wrong.length === 0) return [];
      const more = wrong.length > 5 ? [`… and ${wrong.length - 5} more`] : [];
      return [
        {
          what: [
            `${host}: ${plane.where} is not as the API has it:`,
            ...wrong.slice(0, 5),
            ...more,
          ].join('\n  '),
          why: 'what writes these rules lags behind, or does not reach the API',
          fix: `look at the log of kube-proxy, or of what replaces it, on ${host}`,
        },
      ];
    });
    return verdictOf(
      `${plane?.where}: ${counted(wanted.length, 'Service port')} with ${counted(backends, 'backend')} on ${counted(answers.size, 'node')}`,
      findings,
    );
  },
};
