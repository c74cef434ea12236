import type { Check } from '@skerry/steps';
import { bgpSessions } from './bgp.ts';
import { certificates } from './certificates.ts';
import type { ClusterView } from './cluster-view.ts';
import { conntrack } from './conntrack.ts';
import { etcdFsync, etcdHealth } from './etcd.ts';
import { proxyLeftovers } from './leftovers.ts';
import { nodesReady, probePods } from './nodes.ts';
import { loadBalancerAddress, nodePort } from './outside.ts';
import { dns, podToPod, serviceFromNodes, serviceFromPods } from './pod-network.ts';
import { policies } from './policy.ts';
import { serviceRules } from './service-rules.ts';

/** Every check of `bootstrap verify`, in the order in which they are shown. */
export const checks: readonly Check<ClusterView>[] = [
  nodesReady,
  probePods,
  etcdHealth,
  etcdFsync,
  serviceRules,
  proxyLeftovers,
  podToPod,
  serviceFromPods,
  serviceFromNodes,
  nodePort,
  loadBalancerAddress,
  dns,
  policies,
  bgpSessions,
  certificates,
  conntrack,
];
