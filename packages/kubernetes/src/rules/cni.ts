import { versionOf } from '../matrix/components.ts';
import { releaseOf } from '../matrix/kubernetes-releases.ts';
import { isTestedWith, testedWith, testedWithOf, testedWords } from '../matrix/tested-with.ts';
import { removedCiliumValues } from './cilium-values.ts';
import { balancers } from './named-ranges.ts';
import type { Rule } from './rule.ts';

export const cniRules: readonly Rule[] = [
  {
    id: 'cni-missing',
    severity: 'error',
    wants: 'A cluster has a CNI.',
    reason: 'without one no node becomes Ready',
    fix: 'write "network: {cni: cilium}", or calico, flannel, routed',
    source: 'kubernetes.io/docs/concepts/cluster-administration/addons',
    needs: 'inventory',
    *check({ kubernetes: { version, network } }) {
      if (version === undefined || network.cni !== undefined) return;
      yield { what: 'nothing connects pods: there is no "cni"', at: 'network' };
    },
  },
  {
    id: 'cni-untested',
    severity: 'warning',
    wants: 'The CNI is of a series that its makers, or Skerry, ran with this Kubernetes.',
    reason:
      'what was never run together rests on what Kubernetes promises of its APIs, and on nobody having tried',
    fix: 'take a series of the CNI that was run with it, or run it yourself on one node first',
    source: 'docs.cilium.io, Kubernetes compatibility; docs.tigera.io, system requirements',
    needs: 'inventory',
    *check({ kubernetes: { version, network } }) {
      const { cni } = network;
      if (version === undefined || releaseOf(version) === undefined) return;
      if (cni?.name !== 'cilium' && cni?.name !== 'calico') return;
      const { name } = cni;
      const chosen = versionOf(name, cni.version);
      const known = testedWithOf(name, chosen);
      if (known === undefined || isTestedWith(known, version)) return;
      const fit = testedWith.findLast((one) => one.cni === name && isTestedWith(one, version));
      yield {
        what: `${name} ${chosen} was run with Kubernetes ${testedWords(known)}, not with ${version}`,
        at: cni.version === undefined ? 'network.cni' : `network.cni.${name}.version`,
        ...(fit === undefined ? {} : { fix: `take ${name} ${fit.series}, which was` }),
      };
    },
  },
  {
    id: 'cilium-value-removed',
    severity: 'error',
    wants: "Values for Cilium's chart have the names that the chart knows.",
    reason: 'the chart refuses a name that was removed, or worse, takes no notice of it',
    fix: 'write the new name',
    source:
      'docs.cilium.io, upgrade notes of 1.14 to 1.16; install/kubernetes/cilium/templates/validate.yaml',
    needs: 'inventory',
    *check({ kubernetes: { network } }) {
      if (network.cni?.name !== 'cilium') return;
      for (const { path, what, fix } of removedCiliumValues(network.cni.values)) {
        yield { what, fix, at: `network.cni.cilium.values.${path}` };
      }
    },
  },
  {
    id: 'cilium-cluster-name',
    severity: 'error',
    wants: 'With Cilium the name of the cluster has at most 32 characters.',
    reason: "Cilium's chart refuses a longer one",
    fix: 'take a shorter "cluster: {name: …}"',
    source: "Cilium's chart, cluster.name",
    needs: 'inventory',
    *check({ kubernetes: { network }, inventory }) {
      const { name } = inventory.cluster;
      if (network.cni?.name !== 'cilium' || name.length <= 32) return;
      yield { what: `"${name}" has ${name.length} characters`, at: 'network.cni' };
    },
  },
  {
    id: 'calico-nftables',
    severity: 'error',
    wants: "Calico's nftables dataplane runs beside kube-proxy's nftables mode.",
    reason: 'Calico refuses nftables where kube-proxy writes iptables, and the other way round',
    fix: 'write "proxy: nftables", or another "dataplane"',
    source: 'docs.tigera.io, getting-started/kubernetes/nftables',
    needs: 'inventory',
    *check({ kubernetes: { network } }) {
      const { cni, proxy } = network;
      if (cni?.name !== 'calico' || cni.dataplane !== 'nftables' || proxy === 'nftables') return;
      yield {
        what: `Calico with nftables, kube-proxy with ${proxy}`,
        at: 'network.cni.calico.dataplane',
      };
    },
  },
  {
    id: 'calico-needs-bgp',
    severity: 'error',
    wants: 'Calico without VXLAN runs BGP.',
    reason: 'without a tunnel of its own Calico learns by BGP where the blocks of other nodes are',
    fix: 'write "bgp: true", or "encapsulation: vxlan-cross-subnet"',
    source: 'tigera/operator pkg/controller/installation/validation.go',
    needs: 'inventory',
    *check({ kubernetes: { network } }) {
      const { cni } = network;
      if (cni?.name !== 'calico' || cni.bgp || cni.encapsulation.startsWith('vxlan')) return;
      yield {
        what: `"encapsulation: ${cni.encapsulation}" needs BGP`,
        at: 'network.cni.calico.encapsulation',
      };
    },
  },
  {
    id: 'weave-archived',
    severity: 'error',
    wants: 'The CNI is one that is maintained.',
    reason:
      'Weave Net was archived in June 2024, and Skerry installs nothing of it: no node would become Ready',
    fix: 'write "cni: cilium", or calico, flannel, routed',
    source: 'github.com/weaveworks/weave',
    needs: 'inventory',
    *check({ kubernetes: { network } }) {
      if (network.cni?.name !== 'weave') return;
      yield { what: 'Weave Net is not maintained any more', at: 'network.cni' };
    },
  },
  {
    id: 'ingress-nginx-retired',
    severity: 'warning',
    wants: 'HTTP from outside enters by something that is maintained.',
    reason: 'ingress-nginx was retired in March 2026: holes in it are not closed any more',
    fix: 'move to Gateway API; ingress2gateway translates most annotations',
    source:
      'kubernetes.io/blog, ingress-nginx retirement; github.com/kubernetes-sigs/ingress2gateway',
    needs: 'inventory',
    *check({ kubernetes: { ingress } }) {
      if (ingress?.controller !== 'ingress-nginx') return;
      yield { what: 'ingress-nginx is retired', at: 'ingress.controller' };
    },
  },
  {
    id: 'gateway-controller-missing',
    severity: 'warning',
    wants: 'Where Gateway API is asked for something serves Gateways.',
    reason:
      'only Cilium serves them by itself; beside another CNI Skerry installs the kinds alone, and a Gateway waits for a controller that takes its class',
    fix: 'write "controller: envoy-gateway", or take "cni: cilium" and "proxy: none"; a controller of your own is as good',
    source: 'gateway-api.sigs.k8s.io/implementations; docs.cilium.io, Gateway API',
    needs: 'inventory',
    *check({ kubernetes: { network, ingress } }) {
      const { cni } = network;
      if (ingress?.controller !== 'gateway-api') return;
      if (cni === undefined || cni.name === 'cilium') return;
      yield { what: `no controller of Gateways comes with ${cni.name}`, at: 'ingress.controller' };
    },
  },
  {
    id: 'gateway-without-pool',
    severity: 'warning',
    wants: 'Where Envoy Gateway serves Gateways something gives out addresses for them.',
    reason:
      'it makes a Service of the type LoadBalancer for each Gateway, which waits for an address until somebody has one',
    fix: 'write pools below "loadBalancer: {metallb: …}", or leave it where a cloud or somebody else gives out addresses',
    source: 'gateway.envoyproxy.io, Gateway Address',
    needs: 'inventory',
    *check({ kubernetes }) {
      const { ingress } = kubernetes;
      if (ingress?.controller !== 'envoy-gateway') return;
      if (balancers(kubernetes).some(({ pools }) => pools.length > 0)) return;
      yield { what: 'no pool has addresses for Gateways', at: 'ingress.controller' };
    },
  },
];
