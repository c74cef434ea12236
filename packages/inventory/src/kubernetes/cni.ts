import { z } from 'zod';
import { network, serverName } from '../formats.ts';
import { asn, interfaceName, objectName, version } from './values.ts';

const cilium = z.strictObject({
  version: version(
    'The version of Cilium; left out: the one that the version matrix names',
  ).optional(),
  routing: z
    .enum(['native', 'vxlan', 'geneve'])
    .default('native')
    .describe('native: the network of the nodes carries the pods; vxlan, geneve: a tunnel does'),
  nativeNetwork: network
    .optional()
    .describe('What is routed without masquerading; left out: the network of the pods'),
  directRoutes: z
    .boolean()
    .default(true)
    .describe('A route to each node; the nodes must share one L2 segment'),
  loadBalancer: z
    .enum(['snat', 'dsr', 'hybrid'])
    .default('snat')
    .describe('How answers go back: snat through the node that was asked, dsr directly'),
  masquerade: z.enum(['bpf', 'iptables']).default('bpf').describe('Who rewrites source addresses'),
  encryption: z.enum(['none', 'wireguard']).default('none').describe('Between nodes'),
  hubble: z.boolean().default(true).describe('Hubble, with its relay and its user interface'),
  l2Announcements: z.boolean().default(false).describe('Answer ARP for load-balancer addresses'),
  bgp: z.boolean().default(false).describe("Cilium's BGP control plane"),
  values: z
    .record(z.string(), z.unknown())
    .default({})
    .describe("More values of Cilium's chart, over those that follow from the above"),
});

const calico = z.strictObject({
  version: version(
    'The version of Calico; left out: the one that the version matrix names',
  ).optional(),
  encapsulation: z
    .enum(['none', 'ipip', 'ipip-cross-subnet', 'vxlan', 'vxlan-cross-subnet'])
    .default('vxlan-cross-subnet')
    .describe('How packets of pods travel between nodes'),
  bgp: z.boolean().default(false).describe('Nodes peer with each other, or with the fabric'),
  dataplane: z
    .enum(['iptables', 'nftables', 'bpf'])
    .default('iptables')
    .describe('What enforces policies'),
  blockSize: z.int().min(20).max(32).default(26).describe('Prefix length of a node’s block'),
  localAsn: asn('The AS number of the nodes').default(64_512),
  nodeMesh: z.boolean().default(true).describe('bgp: every node peers with every other one'),
  peers: z
    .array(
      z.strictObject({
        name: objectName('The name of the peer'),
        address: serverName.describe('The address of the router, with :PORT or without'),
        asn: asn('The AS number of the router'),
      }),
    )
    .default([])
    .describe('bgp: routers that all nodes peer with'),
});

const flannel = z.strictObject({
  version: version(
    'The version of Flannel; left out: the one that the version matrix names',
  ).optional(),
  backend: z.enum(['vxlan', 'host-gw']).default('vxlan').describe('A tunnel, or plain routes'),
});

const routed = z.strictObject({
  interface: interfaceName
    .optional()
    .describe('The interface that the nodes share; left out: the one with the node’s address'),
  blockSize: z
    .int()
    .min(22)
    .max(25)
    .default(24)
    .describe('Prefix length of a node’s block of the pods’ network; it follows from its address'),
  blocks: z
    .record(z.string(), network)
    .default({})
    .describe('By host: a block of its own choice, where two addresses lead to the same block'),
});

const weave = z.strictObject({
  version: version('The version of the fork').optional(),
});

const options = { cilium, calico, flannel, routed, weave };

const written = z
  .strictObject({
    cilium: cilium.nullable().optional().describe('eBPF; also in place of kube-proxy'),
    calico: calico.nullable().optional().describe('BGP or VXLAN, with policies'),
    flannel: flannel.nullable().optional().describe('VXLAN; enforces no NetworkPolicy'),
    routed: routed
      .nullable()
      .optional()
      .describe('The plain CNI plugins and static routes, for one L2 segment; no daemon'),
    weave: weave.nullable().optional().describe('Archived in 2024; only a fork lives'),
  })
  .refine((value) => Object.keys(value).length === 1, {
    error: 'must name one CNI, and one only',
    params: {
      code: 'invalid-cni',
      fix: 'write for example "cni: cilium", or "cni: {cilium: {…}}"',
    },
  });

/** The CNI with its options, the usual ones filled in. */
export type CniSettings =
  | ({ readonly name: 'cilium' } & z.infer<typeof cilium>)
  | ({ readonly name: 'calico' } & z.infer<typeof calico>)
  | ({ readonly name: 'flannel' } & z.infer<typeof flannel>)
  | ({ readonly name: 'routed' } & z.infer<typeof routed>)
  | ({ readonly name: 'weave' } & z.infer<typeof weave>);

/** `cilium`, or `{cilium: {…}}`. */
export const cni = z
  .union([z.enum(['cilium', 'calico', 'flannel', 'routed', 'weave']), written])
  .transform((value): CniSettings => {
    const given = typeof value === 'string' ? { [value]: {} } : value;
    if ('calico' in given) return { name: 'calico', ...options.calico.parse(given.calico ?? {}) };
    if ('flannel' in given)
      return { name: 'flannel', ...options.flannel.parse(given.flannel ?? {}) };
    if ('routed' in given) return { name: 'routed', ...options.routed.parse(given.routed ?? {}) };
    if ('weave' in given) return { name: 'weave', ...options.weave.parse(given.weave ?? {}) };
    return { name: 'cilium', ...options.cilium.parse(('cilium' in given && given.cilium) || {}) };
  })
  .describe('What connects pods: a name, or a name with its options');
