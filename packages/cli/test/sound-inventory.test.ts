import { parseInventory } from '@skerry/inventory';
import { checkCluster, type NodeFacts } from '@skerry/kubernetes';
import { expect, test } from 'vitest';
import { hostFindings } from '../src/sound-inventory.ts';

const facts: NodeFacts = { kernel: '6.12.48', cgroup: 1, virtualization: 'kvm', interfaces: [] };

test('what hosts say of themselves does not tell the inventory’s own findings again', () => {
  const inventory = parseInventory(
    `cluster: { name: site }
groups:
  all-in-one:
    roles: [control-plane, worker]
    hosts:
      cp-1: { address: 192.0.2.11 }
kubernetes: { version: 1.36.3, network: { cni: cilium, proxy: ipvs } }
`,
    'site.yaml',
  );
  // Both are at the line of the host: where a finding stands does not say how it was found.
  const own = checkCluster(inventory).map(({ code }) => code);
  expect(own).toEqual(['control-plane-single', 'proxy-ipvs-deprecated']);
  expect(hostFindings(inventory, new Map([['cp-1', facts]]))).toMatchObject([
    { code: 'cgroup-v1', host: 'cp-1', at: { file: 'site.yaml', line: 6, column: 7 } },
  ]);
});
