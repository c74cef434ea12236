import { spawn, type ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { testThreeControlPlanes } from '../clusters/control-planes.ts';
import { lookAt } from '../machines.ts';
import { containerInventory } from './container-cluster.ts';
import { noContainers, startContainerNodes, type ContainerNodes } from './container-nodes.ts';

const addresses = { 'lab-1': '10.99.0.11', 'lab-2': '10.99.0.12', 'lab-3': '10.99.0.13' };
/** Beside the nodes, where somebody else's load balancer stands. */
const endpoint = '10.99.0.1';

/** What an operator has who writes `via: external`. */
const loadBalancer = `
defaults
  mode tcp
  option redispatch 1
  timeout connect 2s
  timeout client 1h
  timeout server 1h
frontend api
  bind ${endpoint}:6443
  default_backend planes
backend planes
  option httpchk GET /readyz
  default-server check check-ssl verify none inter 1s fall 2 rise 1 on-marked-down shutdown-sessions
${Object.entries(addresses)
  .map(([name, address]) => `  server ${name} ${address}:6443`)
  .join('\n')}
`;

describe('three control planes behind a load balancer of somebody else', () => {
  let nodes: ContainerNodes | undefined;
  let balancer: ChildProcess | undefined;
  let inventory = '';

  beforeAll(async () => {
    if (noContainers() !== undefined) return;
    const planes = Object.keys(addresses);
    nodes = await startContainerNodes(planes);
    lookAt(nodes);
    const file = join(nodes.folder, 'haproxy.cfg');
    writeFileSync(file, loadBalancer);
    const [enter = '', ...words] = nodes.user;
    balancer = spawn(enter, [...words, 'haproxy', '-db', '-f', file], { stdio: 'inherit' });
    inventory = await containerInventory('three-in-containers', nodes, planes, (kubernetes) => {
      kubernetes['endpoint'] = { address: endpoint, via: 'external' };
      delete kubernetes.loadBalancer;
      // What must fail is asked for that long.
      kubernetes['verification'] = { patience: '1m' };
    });
  });

  afterAll(async () => {
    balancer?.kill();
    await nodes?.stop();
  });

  testThreeControlPlanes({
    inventory: () => inventory,
    addresses,
    endpoint,
    external: true,
    tests: test.skipIf(noContainers() !== undefined),
    minutes: 8,
  });
});
