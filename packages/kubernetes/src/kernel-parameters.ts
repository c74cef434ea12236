/** sysctl keys and values. */
export type Parameters = Readonly<Record<string, string | number>>;

/** Without these, pods do not reach each other or their Services (kubernetes.io, container runtimes). */
const required: Parameters = {
  'net.ipv4.ip_forward': 1,
  'net.bridge.bridge-nf-call-iptables': 1,
  'net.bridge.bridge-nf-call-ip6tables': 1,
};

/**
 * For many connections. A full conntrack table drops new connections without a word to the
 * application; a small neighbour table does the same on large L2 segments. Bytes, seconds, entries
 * as in the kernel's Documentation/networking/{nf_conntrack-sysctl,ip-sysctl}.rst.
 */
const throughput: Parameters = {
  'net.netfilter.nf_conntrack_max': 1_000_000,
  'net.netfilter.nf_conntrack_tcp_timeout_established': 86_400,
  'net.core.somaxconn': 32_768,
  'net.ipv4.tcp_max_syn_backlog': 8192,
  'net.ipv4.neigh.default.gc_thresh1': 4096,
  'net.ipv4.neigh.default.gc_thresh2': 8192,
  'net.ipv4.neigh.default.gc_thresh3': 16_384,
  'net.ipv4.tcp_tw_reuse': 1,
  'net.core.rmem_max': 16_777_216,
  'net.core.wmem_max': 16_777_216,
};

/** The parameters of a node: what is required, what throughput wants, and the inventory's own over both. */
export function parametersFor(own: Parameters): Parameters {
  return { ...required, ...throughput, ...own };
}

/** Why Skerry itself gives a kernel parameter a value, and where that is written. */
export interface ParameterRule {
  readonly rule: 'required' | 'throughput';
  readonly value: string | number;
  readonly reason: string;
  readonly source: string;
}

/** The rule that a parameter has its value from, where the inventory says nothing. */
export function parameterRule(key: string): ParameterRule | undefined {
  const needed = required[key];
  if (needed !== undefined) {
    return {
      rule: 'required',
      value: needed,
      reason: 'without it, pods do not reach each other or their Services',
      source: 'kubernetes.io/docs/setup/production-environment/container-runtimes',
    };
  }
  const value = throughput[key];
  if (value === undefined) return undefined;
  return {
    rule: 'throughput',
    value,
    reason: 'for many connections: a full table drops new ones without a word to the application',
    source: `the kernel's Documentation/${documentOf(key)}`,
  };
}

function documentOf(key: string): string {
  if (key.startsWith('net.netfilter.')) return 'networking/nf_conntrack-sysctl.rst';
  return key.startsWith('net.core.') ? 'admin-guide/sysctl/net.rst' : 'networking/ip-sysctl.rst';
}
