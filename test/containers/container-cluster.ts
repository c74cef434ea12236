import { mkdirSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { stringify } from 'yaml';
import { root } from '../machines.ts';
import type { ContainerNodes } from './container-nodes.ts';
import { succeeded } from './succeeded.ts';

/** What a test changes of a cluster in containers. */
export interface ContainerCluster {
  network: Record<string, unknown>;
  loadBalancer?: Record<string, unknown>;
  [key: string]: unknown;
}

/**
 * Writes the inventory of a cluster in containers, with a bundle of its parts, and gives its path: kube-proxy in nftables mode, routed,
 * MetalLB in L2 mode. Nothing in it is for slow processors: what it takes is what it takes on real ones.
 */
export async function containerInventory(
  name: string,
  nodes: ContainerNodes,
  controlPlanes: readonly string[],
  change: (kubernetes: ContainerCluster) => void = () => undefined,
): Promise<string> {
  const kubernetes: ContainerCluster = {
    version: '1.36.3',
    network: { pods: '10.244.0.0/16', services: '10.96.0.0/16', proxy: 'nftables', cni: 'routed' },
    loadBalancer: {
      metallb: {
        pools: [{ name: 'edge', addresses: ['10.99.0.200-10.99.0.220'], advertise: 'l2' }],
      },
    },
    kubeadm: {
      // Both refuse control groups of version 1, which a container has where its computer has them.
      ignorePreflightErrors: ['SystemVerification'],
      // A minute is little for an API server that starts beside other work.
      timeouts: { kubernetesAPICall: '5m' },
      kubelet: {
        failCgroupV1: false,
        // Their disk is the computer's, however full it is.
        evictionHard: {
          'imagefs.available': '1%',
          'nodefs.available': '1%',
          'memory.available': '100Mi',
        },
      },
    },
  };
  change(kubernetes);
  const hosts = (names: readonly string[]): Record<string, unknown> =>
    Object.fromEntries(names.map((one) => [one, { address: nodes.addresses[one] }]));
  const workers = Object.keys(nodes.addresses).filter((one) => !controlPlanes.includes(one));
  const inventory = {
    cluster: {
      name,
      connection: {
        user: 'root',
        key: nodes.key,
        agent: false,
        hostKeys: 'accept-new',
        knownHosts: [nodes.knownHosts],
        timeout: 60,
        sshConfig: false,
        sudo: false,
      },
      node: { timeServers: ['0.debian.pool.ntp.org'], clock: 'unchecked' },
    },
    groups: {
      'control-plane': { roles: ['control-plane'], hosts: hosts(controlPlanes) },
      ...(workers.length === 0 ? {} : { workers: { roles: ['worker'], hosts: hosts(workers) } }),
    },
    kubernetes,
  };
  const path = resolve(root, '.skerry/tests/inventory', `${name}.yaml`);
  mkdirSync(resolve(path, '..'), { recursive: true });
  writeFileSync(path, stringify(inventory));
  // The bundle is of what this inventory needs, and then it is named in it.
  const build = resolve(root, 'test/components/build.ts');
  const told = await succeeded([process.execPath, build, path, '--yes']);
  writeFileSync(path, stringify({ ...inventory, bundle: told.trimEnd().split('\n').at(-1) }));
  return path;
}
