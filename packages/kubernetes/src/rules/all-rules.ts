import { ciliumRules } from './cilium.ts';
import { cniRules } from './cni.ts';
import { controlPlaneRules } from './control-planes.ts';
import { egressRules } from './egress.ts';
import { loadBalancerRules } from './load-balancer.ts';
import { networkRules } from './networks.ts';
import { nodeRules } from './nodes.ts';
import { policyRules } from './policies.ts';
import { proxyRules } from './proxy.ts';
import { routedRules } from './routed.ts';
import type { Rule } from './rule.ts';
import { versionRules } from './versions.ts';

/** Everything that `bootstrap check` looks at, by what it is about. */
export const ruleGroups: readonly { readonly title: string; readonly rules: readonly Rule[] }[] = [
  { title: 'Versions', rules: versionRules },
  { title: 'Control planes and endpoint', rules: controlPlaneRules },
  { title: 'Networks', rules: networkRules },
  { title: 'Services', rules: proxyRules },
  { title: 'CNI and ingress', rules: cniRules },
  { title: 'Cilium', rules: ciliumRules },
  { title: 'Plain routes (cni: routed)', rules: routedRules },
  { title: 'Load balancer', rules: loadBalancerRules },
  { title: 'NetworkPolicies', rules: policyRules },
  { title: 'Egress', rules: egressRules },
  { title: 'Hosts', rules: nodeRules },
];

export const rules: readonly Rule[] = ruleGroups.flatMap((group) => group.rules);
