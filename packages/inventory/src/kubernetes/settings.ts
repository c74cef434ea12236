import { z } from 'zod';
import { network, serverName, word } from '../formats.ts';
import { cni } from './cni.ts';
import { kubeadm } from './kubeadm.ts';
import { loadBalancer } from './load-balancer.ts';
import { manifestPatches } from './manifest-patches.ts';
import { policies } from './policies.ts';
import {
  duration,
  egressTarget,
  interfaceName,
  mtu,
  networks,
  objectName,
  version,
} from './values.ts';

const endpoint = z
  .strictObject({
    address: serverName.describe('An address, or a name; in no node’s possession'),
    port: z.int().min(1).max(65_535).default(6443).describe('The port of the API'),
    via: z
      .enum(['keepalived', 'kube-vip', 'external'])
      .describe(
        'Who holds the address: keepalived with haproxy, or kube-vip, on the control planes; or something outside',
      ),
    interface: interfaceName.optional().describe('The interface that carries the address'),
    routerId: z
      .int()
      .min(1)
      .max(255)
      .default(51)
      .describe('keepalived: the VRRP router id, one of its own on the segment'),
    health: z
      .strictObject({
        interval: duration(
          'How often each API server is asked whether it is ready; two misses take it out. The machine with the address tells the others three times as often that it lives',
        ).default('3s'),
        timeout: duration('How long a connection and its answer may take').default('5s'),
      })
      .prefault({})
      .describe('keepalived: when another machine takes over; for slow machines'),
  })
  .describe('Where the API answers, whichever control plane lives');

const ipvs = z
  .strictObject({
    scheduler: z
      .enum(['rr', 'wrr', 'lc', 'wlc', 'sh', 'dh', 'sed', 'nq', 'mh'])
      .default('rr')
      .describe('How connections are spread'),
    strictArp: z
      .boolean()
      .optional()
      .describe('Answer ARP only on the interface that has the address; left out: with MetalLB'),
    syncPeriod: duration('How often all rules are written again').default('30s'),
    minSyncPeriod: duration('The least time between two writings').default('1s'),
    excludeNetworks: z
      .array(network)
      .default([])
      .describe('Addresses of virtual servers that kube-proxy must leave alone'),
  })
  .describe('Only with proxy: ipvs');

/** The defaults are kube-proxy's own: kubernetes pkg/proxy/apis/config/v1alpha1/defaults.go (1.36). */
const syncPeriods = z.strictObject({
  syncPeriod: duration(
    'How often rules are looked over and old ones cleared away; left out: 30s, as kube-proxy has it',
  ).optional(),
  minSyncPeriod: duration(
    'The least time between two writings; left out: 1s, as kube-proxy has it',
  ).optional(),
});

const clusterNetwork = z
  .strictObject({
    pods: networks('Addresses of pods; two for dual stack', '10.244.0.0/16'),
    services: networks('Addresses of Services; two for dual stack', '10.96.0.0/12'),
    proxy: z
      .enum(['nftables', 'ipvs', 'iptables', 'none'])
      .default('nftables')
      .describe(
        'How Services reach pods: the mode of kube-proxy, or none where the CNI replaces it',
      ),
    ipvs: ipvs.prefault({}),
    iptables: syncPeriods.prefault({}).describe('Only with proxy: iptables'),
    nftables: syncPeriods.prefault({}).describe('Only with proxy: nftables'),
    nodePortAddresses: z
      .array(z.union([z.literal('primary'), network]))
      .default([])
      .describe('Where NodePorts answer: networks, or primary; left out: as the mode has it'),
    mtu: mtu('The MTU of pods; left out: what the path between nodes leaves them').optional(),
    pathMtu: mtu(
      'What the path between nodes carries; left out: the smallest MTU of their interfaces',
    ).optional(),
    cni: cni.optional(),
  })
  .prefault({})
  .describe('The network of the cluster');

const dns = z
  .strictObject({
    domain: serverName.default('cluster.local').describe('The domain of the cluster'),
    nodeLocal: z
      .boolean()
      .default(false)
      .describe('A DNS cache on every node, against races in conntrack'),
  })
  .prefault({})
  .describe('Names inside of the cluster');

const ingress = z
  .strictObject({
    controller: z
      .enum(['gateway-api', 'envoy-gateway', 'ingress-nginx'])
      .describe(
        'gateway-api: the kinds of Gateway API, which Cilium serves; envoy-gateway: these and Envoy Gateway; ingress-nginx: settings of one that is there',
      ),
    namespace: objectName('The namespace of that ingress-nginx').default('ingress'),
    patches: manifestPatches('Deployment envoy-gateway'),
  })
  .refine(
    ({ controller, patches }) =>
      controller === 'envoy-gateway' || Object.keys(patches).length === 0,
    {
      path: ['patches'],
      error: 'are for what "controller: envoy-gateway" installs',
      params: { fix: 'take them out, or write "controller: envoy-gateway"' },
    },
  )
  .describe('How HTTP from outside enters');

const packages = z
  .strictObject({
    repository: word('A URL; under it v1.36/deb/ and v1.36/rpm/')
      .default('https://pkgs.k8s.io/core:/stable:')
      .describe(
        'Where kubeadm, kubelet and kubectl come from where there is no bundle; or a mirror',
      ),
    debRevision: word('A revision').default('1.1').describe('What follows the version in a .deb'),
    rpmRevision: word('A revision')
      .default('150500.1.1')
      .describe('What follows the version in an .rpm'),
  })
  .prefault({})
  .describe('The packages of Kubernetes');

const origins = z
  .record(word('The beginning of an origin, like https://dl.k8s.io or registry.k8s.io'), z.string())
  .default({})
  .describe(
    'Where `bundle create` fetches from instead: beginnings of URLs and image names, each with what stands for it',
  );

const egress = z
  .strictObject({
    allow: z
      .array(egressTarget)
      .default([])
      .describe('Hosts that may be contacted: names, *.NAME, addresses, networks; with :PORT'),
  })
  .describe('Which hosts Skerry and the cluster may contact; `bootstrap endpoints` compares');

/** What the cluster is to be, above its machines. Without a version, nodes are only prepared for it. */
export const kubernetesSettings = z
  .strictObject({
    version: version('The version of Kubernetes; left out: nodes are only prepared').optional(),
    endpoint: endpoint.optional(),
    network: clusterNetwork,
    dns,
    loadBalancer: loadBalancer.prefault({}),
    ingress: ingress.optional(),
    policies: policies.prefault({}),
    kubeadm,
    verification: z
      .strictObject({
        patience: duration(
          'How long a check that fails is tried again, where its own time is shorter: for slow machines',
        ).optional(),
      })
      .prefault({})
      .describe('How the cluster is looked at, at the end of an apply and by verify'),
    packages,
    origins,
    egress: egress.optional(),
  })
  .meta({
    id: 'kubernetes',
    description: 'The Kubernetes cluster that the nodes are prepared for',
  });
export type KubernetesSettings = z.infer<typeof kubernetesSettings>;
