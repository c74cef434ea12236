import { isHostRole } from './roles.ts';
import type { Rule } from './rule.ts';

export const controlPlaneRules: readonly Rule[] = [
  {
    id: 'control-plane-missing',
    severity: 'error',
    wants: 'Some host has the role control-plane.',
    reason: 'a cluster begins on its first control plane',
    fix: 'write "roles: [control-plane]" on a group or a host',
    source: 'kubernetes.io/docs/setup/production-environment/tools/kubeadm',
    needs: 'inventory',
    *check({ kubernetes: { version }, controlPlanes }) {
      if (version === undefined || controlPlanes.length > 0) return;
      yield { what: 'no host has the role control-plane', at: 'version' };
    },
  },
  {
    id: 'control-plane-single',
    severity: 'warning',
    wants: 'There are three control planes.',
    reason: 'when the only one is down nothing can be changed, and its disk holds the only etcd',
    fix: 'give three hosts the role control-plane, or keep backups of etcd',
    source: 'etcd.io/docs, FAQ; kubernetes.io, ha-topology',
    needs: 'inventory',
    *check({ kubernetes: { version }, controlPlanes: [first, ...more] }) {
      if (version === undefined || first === undefined || more.length > 0) return;
      yield { what: `${first.name} is the only control plane`, at: first.at };
    },
  },
  {
    id: 'control-planes-even',
    severity: 'warning',
    wants: 'The number of control planes is odd.',
    reason: 'etcd wants a majority: an even number survives no more failures than one less',
    fix: 'take one more, or one less',
    source: 'etcd.io/docs, FAQ (why an odd number of cluster members)',
    needs: 'inventory',
    *check({ kubernetes: { version }, controlPlanes }) {
      const last = controlPlanes.at(-1);
      if (version === undefined || last === undefined || controlPlanes.length % 2 === 1) return;
      yield { what: `there are ${controlPlanes.length} control planes`, at: last.at };
    },
  },
  {
    id: 'endpoint-missing',
    severity: 'error',
    wants: 'Several control planes have one endpoint.',
    reason: 'kubeadm lets no second control plane join without a stable address of the API',
    fix: 'write "endpoint: {address: …, via: keepalived}"',
    source: 'kubeadm, controlPlaneEndpoint',
    needs: 'inventory',
    *check({ kubernetes: { version, endpoint }, controlPlanes }) {
      if (version === undefined || endpoint !== undefined || controlPlanes.length < 2) return;
      yield { what: `${controlPlanes.length} control planes have no endpoint`, at: '' };
    },
  },
  {
    id: 'endpoint-on-node',
    severity: 'error',
    wants: 'The address of the endpoint belongs to no node.',
    reason: 'it moves from one control plane to another, and a node would lose its own address',
    fix: 'take an address of the segment that nobody has',
    source: 'keepalived.conf(5); kube-vip.io',
    needs: 'inventory',
    *check({ kubernetes: { endpoint }, inventory }) {
      if (endpoint === undefined || endpoint.via === 'external') return;
      const owner = inventory.hosts.find(({ address }) => address === endpoint.address);
      if (owner === undefined) return;
      yield {
        what: `${endpoint.address} is the address of ${owner.name}`,
        at: 'endpoint.address',
      };
    },
  },
  {
    id: 'node-without-role',
    severity: 'warning',
    wants: 'Every host is a control plane or a worker.',
    reason: 'a host with neither role is prepared, but joins no cluster',
    fix: 'write "roles: [worker]" on its group',
    source: 'docs/inventory.md',
    needs: 'inventory',
    *check({ kubernetes: { version }, inventory }) {
      if (version === undefined) return;
      const without = inventory.hosts.filter(({ roles }) => !roles.some(isHostRole));
      const [first] = without;
      if (first === undefined || without.length === inventory.hosts.length) return;
      const more = without.length === 1 ? '' : ` and ${without.length - 1} more`;
      yield { what: `${first.name}${more} will join no cluster`, at: first.at };
    },
  },
];
