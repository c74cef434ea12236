import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheFacts } from '../packages/runbook/src/facts-cache.ts';
import { factsOf } from '../packages/runbook/test/facts-of.ts';

export interface ThousandNodes {
  readonly inventory: string;
  readonly remove: () => void;
}

interface Node {
  readonly name: string;
  readonly address: string;
}

const rack = (number: number): Node[] =>
  Array.from({ length: 100 }, (_, host) => ({
    name: `r${number}-${host}`,
    address: `10.1.${number}.${host + 1}`,
  }));

const hostsText = (nodes: readonly Node[]): string =>
  nodes.map(({ name, address }) => `      ${name}: { address: ${address} }\n`).join('');

/**
 * An inventory of a cluster of 1,000 nodes in which everything fits together, a line for each, and the
 * facts of all of them as a run has remembered them.
 */
export async function thousandNodes(): Promise<ThousandNodes> {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-thousand-nodes-'));
  const inventory = join(folder, 'site.yaml');
  const racks = Array.from({ length: 10 }, (_, number) => rack(number));
  const nodes = racks.flat();
  const controlPlanes = nodes.slice(0, 3);
  const workers = racks.map(
    (hosts, number) =>
      `  rack-${number}:\n    roles: [worker]\n    vars: { rack: ${number} }\n    hosts:\n` +
      hostsText(hosts.filter((host) => !controlPlanes.includes(host))),
  );
  writeFileSync(
    inventory,
    `cluster: { name: thousand }
groups:
  control-planes:
    roles: [control-plane]
    hosts:
${hostsText(controlPlanes)}${workers.join('')}kubernetes:
  version: 1.36.3
  endpoint: { address: 10.1.255.1, via: keepalived }
  network: { pods: 10.240.0.0/13, services: 10.96.0.0/12, cni: cilium, pathMtu: 1500 }
  loadBalancer: { metallb: { pools: [{ name: edge, addresses: [10.2.0.0/24], advertise: bgp }], peers: [{ name: r, address: 10.1.255.2, asn: 64512, localAsn: 64513 }] } }
  policies: { default: deny, allow: [dns] }
`,
  );
  await Promise.all(
    nodes.map(async ({ name, address }) =>
      cacheFacts(
        join(folder, '.skerry'),
        name,
        factsOf(name, {
          containerd: '2.3.4',
          interfaces: [{ name: 'eth0', mac: '', mtu: 1500, addresses: [`${address}/16`] }],
          kubernetes: { kubelet: '1.36.3', role: 'worker', ca: 'a', server: 'https://10.1.255.1' },
        }),
      ),
    ),
  );
  return { inventory, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
