import { writeFile } from 'node:fs/promises';
import {
  clusterConfiguration,
  clusterObjectGroups,
  initConfiguration,
  kubeletConfiguration,
  kubeProxyConfiguration,
  objectsText,
} from '@skerry/kubernetes';
import { parseInventory, type Inventory } from '@skerry/inventory';
import { expect } from 'vitest';
import { runFragment } from '../../packages/steps/test/harness/run-fragment.ts';
import type { Group, ObjectsOnApi } from './objects-on-api.ts';

export const written = `cluster: { name: lab }
groups:
  all-nodes:
    hosts:
      cp-1: { address: 10.20.0.11, roles: [control-plane] }
      w-1:
        address: 10.20.0.21
        roles: [worker]
        node: { labels: { disk: nvme }, taints: [{ key: gpu, effect: NoSchedule }] }
kubernetes:
  version: 1.36.3
  network: { proxy: nftables, cni: routed }
  loadBalancer:
    metallb:
      pools: [{ name: edge, addresses: [10.20.1.0/27], advertise: bgp }]
      peers: [{ name: tor, address: 10.20.0.1, asn: 64512, localAsn: 64513, password: env:BGP }]
  policies: { default: deny, namespaces: [shop], allow: [dns] }
`;

/**
 * Without what only pods could answer, since there is no kubelet here: waits for rollouts, and the
 * webhooks of MetalLB.
 */
export function groupsOf(
  inventory: Inventory,
  manifest: string,
  context: Partial<Parameters<typeof clusterObjectGroups>[0]> = {},
): Group[] {
  const withoutHooks = manifest
    .split(/^---$/m)
    .filter((document) => !document.includes('kind: ValidatingWebhookConfiguration'))
    .join('---');
  const texts = { manifest: () => withoutHooks, chart: () => '' };
  return clusterObjectGroups({ inventory, fleet: new Map(), ...context }, texts).map((group) => ({
    ...group,
    waits: [],
  }));
}

export const inventoryOf = (text: string): Inventory => parseInventory(text, 'site.yaml');

/** What kubeadm leaves in the API at init, and the nodes that registered. */
export async function kubeadmInit(
  objects: ObjectsOnApi,
  inventory: Inventory,
  nodes: readonly string[] = inventory.hosts.map(({ name }) => name),
): Promise<void> {
  const [first] = inventory.hosts;
  if (first === undefined) return;
  for (const name of nodes) {
    await objects.byHand('create', { apiVersion: 'v1', kind: 'Node', metadata: { name } });
  }
  const path = `${objects.api.kubeconfig}.kubeadm`;
  const documents = [
    initConfiguration(inventory, first),
    clusterConfiguration(inventory),
    kubeletConfiguration(inventory),
    kubeProxyConfiguration(inventory) ?? {},
  ];
  await writeFile(path, objectsText(documents));
  const code = `
for phase in 'upload-config kubeadm' 'upload-config kubelet' 'addon kube-proxy'; do
kubeadm init phase $phase --config "$1" --kubeconfig "$2" || exit
done`;
  const args = [path, objects.api.kubeconfig];
  const output = await runFragment('dash', { code, args }, { env: objects.api.env });
  expect(output.code, output.stderr).toBe(0);
}
