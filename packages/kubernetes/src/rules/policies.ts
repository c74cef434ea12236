import { componentOf } from '../matrix/components.ts';
import type { Rule } from './rule.ts';

export const policyRules: readonly Rule[] = [
  {
    id: 'policies-not-enforced',
    severity: 'error',
    wants: 'NetworkPolicies are only written where the CNI enforces them.',
    reason: 'the API takes them, and every packet still passes: nothing tells that they do nothing',
    fix: 'take Cilium or Calico, or leave "policies" out',
    source: 'github.com/flannel-io/flannel, Documentation/netpol.md',
    needs: 'inventory',
    *check({ kubernetes: { network, policies } }) {
      if (network.cni === undefined || componentOf(network.cni.name).policies === true) return;
      if (policies.default === 'allow' || network.cni.name === 'routed') return;
      yield { what: `${network.cni.name} enforces no NetworkPolicy`, at: 'policies' };
    },
  },
  {
    id: 'policies-only-written',
    severity: 'warning',
    wants: 'With routed, something else enforces the NetworkPolicies that are written.',
    reason:
      'routed has no daemon, so that every packet passes until something that is none of Skerry’s enforces the policies',
    fix: 'take Cilium or Calico, or install what enforces policies beside any CNI, like kube-network-policies',
    source: 'github.com/kubernetes-sigs/kube-network-policies',
    needs: 'inventory',
    *check({ kubernetes: { network, policies } }) {
      if (network.cni?.name !== 'routed' || policies.default === 'allow') return;
      yield { what: 'routed itself enforces no NetworkPolicy', at: 'policies' };
    },
  },
  {
    id: 'allow-without-deny',
    severity: 'warning',
    wants: 'Paths are allowed where something is denied.',
    reason: 'while everything is allowed, "allow" adds nothing, and no NetworkPolicy is made of it',
    fix: 'write "default: deny", or leave "allow" out',
    source: 'kubernetes.io/docs/concepts/services-networking/network-policies',
    needs: 'inventory',
    *check({ kubernetes: { policies } }) {
      if (policies.default !== 'allow' || policies.allow.length === 0) return;
      yield { what: 'everything is allowed, whatever stands here', at: 'policies.allow' };
    },
  },
  {
    id: 'deny-without-dns',
    severity: 'error',
    wants: 'Where everything is denied, DNS is allowed.',
    reason:
      'without names nothing else that is allowed is found: it looks as if the application were broken',
    fix: 'write "allow: [dns, …]": UDP and TCP 53 to the DNS of the cluster',
    source: 'kubernetes.io/docs/concepts/services-networking/network-policies',
    needs: 'inventory',
    *check({ kubernetes: { policies } }) {
      if (policies.default !== 'deny' || policies.allow.includes('dns')) return;
      yield { what: 'everything is denied, DNS too', at: 'policies.default' };
    },
  },
];
