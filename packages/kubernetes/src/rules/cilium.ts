import { ciliumAdvertises, ciliumVersion } from '../networks/cilium-values.ts';
import { isAtLeast } from '../version-number.ts';
import type { Rule } from './rule.ts';

export const ciliumRules: readonly Rule[] = [
  {
    id: 'cilium-version-unknown',
    severity: 'error',
    wants: 'The version of Cilium is one whose chart Skerry knows: 1.15 to 1.20.',
    reason: 'names of values change from one minor version to the next',
    fix: 'write a version of 1.15 to 1.20, or leave it out',
    source: 'values.schema.json of the charts 1.16 to 1.20; templates/validate.yaml of 1.15',
    needs: 'inventory',
    *check({ inventory }) {
      const version = ciliumVersion(inventory);
      if (version === undefined) return;
      if (isAtLeast(version, '1.15') && !isAtLeast(version, '1.21')) return;
      yield { what: `Cilium ${version} is not known`, at: 'network.cni.cilium.version' };
    },
  },
  {
    id: 'cilium-dsr-tunnel',
    severity: 'error',
    wants: 'Cilium answers directly (DSR) with native routing, or with Geneve.',
    reason: 'the agent does not start: nothing in VXLAN can carry where the answer goes',
    fix: 'write "routing: native" or "routing: geneve", or "loadBalancer: snat"',
    source: 'cilium pkg/kpr/initializer/kube_proxy_replacement.go',
    needs: 'inventory',
    *check({ kubernetes: { network } }) {
      const { cni } = network;
      if (cni?.name !== 'cilium' || cni.routing !== 'vxlan' || cni.loadBalancer === 'snat') return;
      yield {
        what: `"loadBalancer: ${cni.loadBalancer}" in a tunnel of VXLAN`,
        at: 'network.cni.cilium.loadBalancer',
      };
    },
  },
  {
    id: 'cilium-needs-replacement',
    severity: 'error',
    wants: 'What Cilium does with Services is asked for where Cilium carries them.',
    reason:
      'DSR, L2 announcements and Gateways of Cilium work on Services that it carries itself; beside kube-proxy they do nothing',
    fix: 'write "proxy: none"',
    source: 'docs.cilium.io: DSR, L2 announcements, Gateway API (prerequisites)',
    needs: 'inventory',
    *check({ kubernetes: { network, ingress }, inventory }) {
      const { cni, proxy } = network;
      if (cni?.name !== 'cilium' || proxy === 'none') return;
      if (cni.loadBalancer !== 'snat') {
        const at = 'network.cni.cilium.loadBalancer';
        yield { what: `"loadBalancer: ${cni.loadBalancer}" beside kube-proxy`, at };
      }
      if (ciliumAdvertises(inventory, 'l2')) {
        yield { what: 'L2 announcements beside kube-proxy', at: 'network.cni.cilium' };
      }
      if (ingress?.controller === 'gateway-api') {
        yield { what: 'Gateways of Cilium beside kube-proxy', at: 'ingress.controller' };
      }
    },
  },
  {
    id: 'cilium-bgp-too-old',
    severity: 'error',
    wants: 'BGP of Cilium is asked for in 1.16 or newer.',
    reason: 'before that its objects have other fields (CiliumBGPPeeringPolicy)',
    fix: 'take a newer Cilium, or MetalLB',
    source: 'pkg/k8s/apis/cilium.io/client/crds of 1.15 and 1.16',
    needs: 'inventory',
    *check({ inventory }) {
      const version = ciliumVersion(inventory);
      if (version === undefined || isAtLeast(version, '1.16')) return;
      if (!ciliumAdvertises(inventory, 'bgp')) return;
      yield { what: `BGP in Cilium ${version}`, at: 'network.cni.cilium.version' };
    },
  },
  {
    id: 'cilium-balancer-without-cilium',
    severity: 'error',
    wants: 'Pools of Cilium belong to a cluster with Cilium.',
    reason: 'nobody would give out their addresses',
    fix: 'write them under "metallb", or take "cni: cilium"',
    source: 'docs.cilium.io, LB-IPAM',
    needs: 'inventory',
    *check({ kubernetes: { network, loadBalancer } }) {
      if (loadBalancer.cilium === undefined || network.cni?.name === 'cilium') return;
      yield { what: 'there is no Cilium for these pools', at: 'loadBalancer.cilium' };
    },
  },
  {
    id: 'load-balancer-twice',
    severity: 'error',
    wants: 'One of MetalLB and Cilium gives out addresses of Services.',
    reason: 'both would give an address to every Service of the type LoadBalancer',
    fix: 'keep one of the two',
    source: 'docs.cilium.io, LB-IPAM; metallb.io/configuration',
    needs: 'inventory',
    *check({ kubernetes: { loadBalancer } }) {
      if (loadBalancer.cilium === undefined || loadBalancer.metallb === undefined) return;
      yield { what: 'there are pools of MetalLB and of Cilium', at: 'loadBalancer.cilium' };
    },
  },
  {
    id: 'cilium-pools-mixed',
    severity: 'error',
    wants:
      'At most one way of telling is used for pools of Cilium that are given out by themselves.',
    reason:
      'Cilium decides by Service, not by pool, how an address is told: every Service would be told both ways',
    fix: 'write "autoAssign: false" on the pools of one way; Services ask for them by the label skerry.dev/pool',
    source: 'docs.cilium.io: CiliumL2AnnouncementPolicy, CiliumBGPAdvertisement',
    needs: 'inventory',
    *check({ kubernetes: { loadBalancer } }) {
      const pools = loadBalancer.cilium?.pools ?? [];
      const ways = new Set(
        pools.filter(({ autoAssign }) => autoAssign).map(({ advertise }) => advertise),
      );
      if (ways.size < 2) return;
      yield { what: 'some are told by L2 and others by BGP', at: 'loadBalancer.cilium.pools' };
    },
  },
];
