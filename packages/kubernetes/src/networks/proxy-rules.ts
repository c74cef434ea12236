import type { ProxyMode } from '../kernel-modules.ts';

/**
 * What kube-proxy makes on a node, by mode: chains of iptables by table (names behind `KUBE-`, as
 * extended regular expressions), and more. Kubernetes 1.36: pkg/proxy/{iptables,ipvs,nftables}. What
 * the kubelet makes (KUBE-FIREWALL in the filter table, KUBE-KUBELET-CANARY, KUBE-IPTABLES-HINT)
 * belongs to no mode.
 */
interface ProxyRules {
  readonly nat: readonly string[];
  readonly filter: readonly string[];
  readonly mangle: readonly string[];
  /** Comments of jumps from built-in chains that only this mode makes, to chains of both. */
  readonly jumps: readonly string[];
}

const services = ['SERVICES', 'POSTROUTING', 'MARK-MASQ'];
const perService = ['SVC-.*', 'SVL-.*', 'SEP-.*', 'FW-.*', 'EXT-.*', 'XLB-.*'];

const iptables: ProxyRules = {
  nat: [...services, 'NODEPORTS', 'PROXY-CANARY', ...perService],
  filter: [
    'SERVICES',
    'EXTERNAL-SERVICES',
    'FORWARD',
    'NODEPORTS',
    'PROXY-FIREWALL',
    'PROXY-CANARY',
  ],
  mangle: ['PROXY-CANARY'],
  jumps: ['kubernetes load balancer firewall'],
};

const ipvs: ProxyRules = {
  nat: [...services, 'NODE-PORT', 'LOAD-BALANCER', 'FIREWALL'],
  filter: [
    'FORWARD',
    'NODE-PORT',
    'PROXY-FIREWALL',
    'SOURCE-RANGES-FIREWALL',
    'IPVS-FILTER',
    'IPVS-OUT-FILTER',
  ],
  mangle: [],
  jumps: ['kube-proxy firewall rules'],
};

const kubelet: ProxyRules = {
  nat: ['KUBELET-CANARY', 'MARK-DROP'],
  filter: ['FIREWALL', 'KUBELET-CANARY'],
  mangle: ['KUBELET-CANARY', 'IPTABLES-HINT'],
  jumps: [],
};

/** kube-proxy's IPVS sets (pkg/proxy/ipvs/ipset.go), without `KUBE-` and, for IPv6, `KUBE-6-`. */
const sets = [
  'LOOP-BACK',
  'CLUSTER-IP',
  'EXTERNAL-IP',
  'EXTERNAL-IP-LOCAL',
  'LOAD-BALANCER',
  'LOAD-BALANCER-LOCAL',
  'LOAD-BALANCER-FW',
  'LOAD-BALANCER-SOURCE-IP',
  'LOAD-BALANCER-SOURCE-CID(R)?',
  'NODE-PORT-TCP',
  'NODE-PORT-LOCAL-TCP',
  'NODE-PORT-UDP',
  'NODE-PORT-LOCAL-UDP',
  'NODE-PORT-SCTP-HASH',
  'NODE-PORT-LOCAL-SCTP-HAS(H)?',
  'HEALTH-CHECK-NODE-PORT',
  'IPVS-IPS',
];

/** What must not be there under a mode; '' where there is nothing that must not. */
export interface Leftovers {
  /** Chains by table, as extended regular expressions of the whole name. */
  readonly nat: string;
  readonly filter: string;
  readonly mangle: string;
  readonly raw: string;
  /** Comments of jumps, as an extended regular expression. */
  readonly jumps: string;
  /** Names of networks whose forwarded ports must not be there, as an extended regular expression. */
  readonly podNetworks: string;
  /** Names of sets, as an extended regular expression. */
  readonly sets: string;
  /** Tables of nftables, each with its family, as an extended regular expression: `ip6? kube-proxy`. */
  readonly nftables: string;
  readonly ipvs: boolean;
}

/**
 * Chains of Flannel, Cilium, Calico and of the plugin portmap, in whichever table. What other plugins
 * make (CNI-FORWARD, CNI-ADMIN, CNI-ISOLATION-*) no network of pods has.
 */
const ofNetworks =
  'CNI-HOSTPORT-(DNAT|SNAT|SETMARK|MASQ)|CNI-[DS]N-.*|FLANNEL-.*|(OLD_)?CILIUM_.*|cali-.*';

/**
 * Names of networks of pods: of `cni: routed`, Flannel, Calico, and Cilium with portmap. The plugin
 * writes them into comments, since networks of Podman or nerdctl share its chains.
 */
const podNetworks = 'skerry|cbr0|k8s-pod-network|cilium|portmap';

/** Calico's IP sets, and those that it fills before it renames them (felix/ipsets/ipset_defs.go). */
const calicoSets = 'cali[46]0.*|cali[46]t[0-9]+';

/** Flannel's where it writes nftables (pkg/trafficmngr/nftables of 0.28.9). */
const flannelTables = ['ip flannel-ipv4', 'ip6 flannel-ipv6'];

function named(names: readonly string[]): string {
  return names.length === 0 ? '' : `KUBE-(${names.join('|')})`;
}

/** What is left over on a node whose kube-proxy runs in `mode`; `absent`: no Kubernetes at all. */
export function leftoversOf(mode: ProxyMode | 'absent'): Leftovers {
  const own = { iptables, ipvs, nftables: undefined, none: undefined, absent: undefined }[mode];
  const others = [iptables, ipvs, ...(mode === 'absent' ? [kubelet] : [])];
  const more = mode === 'absent' ? `|${ofNetworks}` : '';
  const chains = (table: 'nat' | 'filter' | 'mangle'): string =>
    named([
      ...new Set(
        others
          .flatMap((rules) => rules[table])
          .filter((name) => own === undefined || !own[table].includes(name)),
      ),
    ]) + more;
  return {
    nat: chains('nat'),
    filter: chains('filter'),
    mangle: chains('mangle'),
    // Only Cilium and Calico keep packets from being tracked.
    raw: mode === 'absent' ? ofNetworks : '',
    jumps: others
      .filter((rules) => rules !== own)
      .flatMap((rules) => rules.jumps)
      .join('|'),
    podNetworks: mode === 'absent' ? podNetworks : '',
    sets:
      mode === 'ipvs'
        ? ''
        : `KUBE-(6-)?(${sets.join('|')})${mode === 'absent' ? `|${calicoSets}` : ''}`,
    nftables: [
      ...(mode === 'nftables' ? [] : ['ip6? kube-proxy']),
      ...(mode === 'absent' ? flannelTables : []),
    ].join('|'),
    ipvs: mode !== 'ipvs',
  };
}
