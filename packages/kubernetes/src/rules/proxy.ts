import { exactSecondsOf } from '../kubeadm/duration.ts';
import { isAtLeast } from '../version-number.ts';
import { proxyModeOf } from '../matrix/proxy-modes.ts';
import type { Rule } from './rule.ts';

export const proxyRules: readonly Rule[] = [
  {
    id: 'proxy-ipvs-deprecated',
    severity: 'warning',
    wants: 'kube-proxy does not run in IPVS mode.',
    reason: 'IPVS is deprecated since Kubernetes 1.35, off by default from 1.40 and gone in 1.43',
    fix: 'write "proxy: nftables" (kernel 5.13 or newer), or "proxy: none" with Cilium; a change of mode needs a new configuration and a restart of kube-proxy, nothing else',
    source: 'KEP-5495',
    needs: 'inventory',
    *check({ kubernetes: { network, version } }) {
      if (network.proxy !== 'ipvs') return;
      const { removed = '', offByDefault = '' } = proxyModeOf('ipvs');
      if (version !== undefined && isAtLeast(version, removed)) return;
      const off = version !== undefined && isAtLeast(version, offByDefault);
      yield {
        what: off
          ? `IPVS is off by default in Kubernetes ${version}`
          : 'IPVS is on its way out of Kubernetes',
        at: 'network.proxy',
      };
    },
  },
  {
    id: 'proxy-mode-removed',
    severity: 'error',
    wants: 'The mode of kube-proxy is one that this version of Kubernetes has.',
    reason: 'kube-proxy does not start in a mode that it does not know',
    fix: 'write "proxy: nftables", or "proxy: none" with Cilium',
    source: 'KEP-5495',
    needs: 'inventory',
    *check({ kubernetes: { network, version } }) {
      const { removed } = proxyModeOf(network.proxy);
      if (removed === undefined || version === undefined || !isAtLeast(version, removed)) return;
      yield { what: `Kubernetes ${version} has no ${network.proxy} mode`, at: 'network.proxy' };
    },
  },
  {
    id: 'proxy-iptables-slow',
    severity: 'warning',
    wants: 'kube-proxy does not run in iptables mode.',
    reason:
      'its rules are one long list, which is slow with thousands of Services, and it gets no new features',
    fix: 'write "proxy: nftables" (kernel 5.13 or newer)',
    source: 'KEP-3866; github.com/kubernetes/kubeadm/issues/3309',
    needs: 'inventory',
    *check({ kubernetes: { network } }) {
      if (network.proxy !== 'iptables') return;
      yield { what: 'iptables is the slow mode of kube-proxy', at: 'network.proxy' };
    },
  },
  {
    id: 'proxy-missing',
    severity: 'error',
    wants: 'Something carries Services: kube-proxy, or a CNI that can take its place.',
    reason: 'without it no Service answers, and not even the API from inside of a pod',
    fix: 'write "cni: cilium" with "proxy: none", or another mode',
    source: 'docs.cilium.io, Kubernetes without kube-proxy',
    needs: 'inventory',
    *check({ kubernetes: { network } }) {
      const { cni, proxy } = network;
      if (proxy !== 'none' || cni === undefined || cni.name === 'cilium') return;
      if (cni.name === 'calico' && cni.dataplane === 'bpf') return;
      yield {
        what: `"proxy: none" leaves Services to ${cni.name}, which does not carry them`,
        at: 'network.proxy',
      };
    },
  },
  {
    id: 'ipvs-strict-arp',
    severity: 'error',
    wants: 'With IPVS and MetalLB, kube-proxy is strict about ARP.',
    reason:
      'IPVS puts every load-balancer address on every node; without strict ARP all of them answer for it',
    fix: 'write "strictArp: true", or leave it out',
    source: 'metallb.io/installation (preparation)',
    needs: 'inventory',
    *check({ kubernetes: { network, loadBalancer } }) {
      if (network.proxy !== 'ipvs' || loadBalancer.metallb === undefined) return;
      if (network.ipvs.strictArp !== false) return;
      yield { what: 'MetalLB cannot work beside IPVS like this', at: 'network.ipvs.strictArp' };
    },
  },
  {
    id: 'proxy-options-unused',
    severity: 'warning',
    wants: 'Options of a mode of kube-proxy are only written where it runs in that mode.',
    reason: 'nobody reads them in another mode',
    fix: 'leave them out',
    source: 'kubernetes KubeProxyConfiguration',
    needs: 'inventory',
    *check({ kubernetes: { network }, inventory }) {
      for (const mode of ['ipvs', 'iptables', 'nftables'] as const) {
        const at = `network.${mode}`;
        if (network.proxy === mode || !inventory.kubernetesPlaces.has(at)) continue;
        yield { what: `options of ${mode} mean nothing with proxy: ${network.proxy}`, at };
      }
    },
  },
  {
    id: 'proxy-sync-periods',
    severity: 'error',
    wants: 'kube-proxy writes rules no less often than it may.',
    reason: 'kube-proxy does not start with a minSyncPeriod that is longer than its syncPeriod',
    fix: 'make "minSyncPeriod" shorter, or "syncPeriod" longer',
    source: 'kubernetes pkg/proxy/apis/config/validation/validation.go (1.36)',
    needs: 'inventory',
    *check({ kubernetes: { network } }) {
      const { proxy } = network;
      if (proxy === 'none') return;
      // kube-proxy's own defaults.
      const { syncPeriod = '30s', minSyncPeriod = '1s' } = network[proxy];
      if (exactSecondsOf(minSyncPeriod) <= exactSecondsOf(syncPeriod)) return;
      yield {
        what: `a minSyncPeriod of ${minSyncPeriod} is longer than a syncPeriod of ${syncPeriod}`,
        at: `network.${proxy}.minSyncPeriod`,
      };
    },
  },
  {
    id: 'node-local-dns-nftables',
    severity: 'warning',
    wants: 'NodeLocal DNSCache runs with a proxy mode that it documents.',
    reason: 'its rules are written for iptables; with nftables it only listens on 169.254.20.10',
    fix: 'leave it out, or verify DNS by UDP and TCP after apply; kubelets ask the link-local address',
    source: 'github.com/kubernetes/dns/issues/682',
    needs: 'inventory',
    *check({ kubernetes: { network, dns } }) {
      if (!dns.nodeLocal || proxyModeOf(network.proxy).nodeLocalDns !== 'undocumented') return;
      yield {
        what: `NodeLocal DNSCache with ${network.proxy} is not documented`,
        at: 'dns.nodeLocal',
      };
    },
  },
];
