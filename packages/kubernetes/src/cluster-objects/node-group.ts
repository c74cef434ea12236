import { formatPosition } from '@skerry/diagnostics';
import type { Host, Inventory } from '@skerry/inventory';
import type { ObjectGroup } from '../objects/desired-objects.ts';

/** Whether a host is a node of the cluster. */
function isNode({ roles }: Host): boolean {
  return roles.includes('control-plane') || roles.includes('worker');
}

/**
 * Labels and taints of nodes. Each node is here, also without any: so that what was ours can go.
 * `isJoining` tells of which hosts this run makes nodes, before it comes to this.
 */
export function nodeGroup(
  { hosts }: Inventory,
  isJoining: (host: Host) => boolean = () => false,
): ObjectGroup {
  return {
    name: 'labels and taints of nodes',
    objects: hosts.filter(isNode).map((host) => ({
      object: {
        apiVersion: 'v1',
        kind: 'Node',
        metadata: { name: host.name, labels: { ...host.node.labels } },
        spec: { taints: host.node.taints.map((taint) => ({ ...taint })) },
      },
      ownership: 'partial',
      origin: formatPosition(host.origins.get('node.labels')?.at ?? host.at),
      ...(isJoining(host) ? { expected: 'it joins the cluster in this run' } : {}),
    })),
    waits: [],
  };
}
