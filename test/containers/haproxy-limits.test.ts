import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { reloadHaproxy } from '../../packages/kubernetes/src/endpoint/reload-haproxy.ts';
import { bootstrap, lookAt, output } from '../machines.ts';
import { containerInventory } from './container-cluster.ts';
import { noContainers, startContainerNodes, type ContainerNodes } from './container-nodes.ts';

const limits = '/etc/systemd/system/haproxy.service.d/limits.conf';

describe('an haproxy that cannot take its configuration', () => {
  const tests = test.skipIf(noContainers() !== undefined);
  let nodes: ContainerNodes | undefined;
  let inventory = '';
  const apply = (): ReturnType<typeof bootstrap> =>
    bootstrap('apply', inventory, '--yes', '--tags', 'endpoint');

  beforeAll(async () => {
    if (noContainers() !== undefined) return;
    nodes = await startContainerNodes(['lab-1']);
    lookAt(nodes);
    inventory = await containerInventory('haproxy-limits', nodes, ['lab-1'], (kubernetes) => {
      const address = '10.99.0.10';
      // Facts hold no virtual interfaces.
      kubernetes['endpoint'] = { address, via: 'keepalived', interface: 'eth0' };
    });
  });

  afterAll(() => nodes?.stop());

  tests('fails the apply, with what it said; it goes on with the one before', async () => {
    // Its 20,000 connections have two ends each.
    await output(
      'lab-1',
      `mkdir -p ${limits.replace(/\/[^/]*$/, '')} && printf '[Service]\\nLimitNOFILE=512:8192\\n' >${limits} &&
        systemctl daemon-reload && systemctl restart haproxy`,
    );
    const { code, stdout, stderr } = await apply();
    expect(code, stdout + stderr).toBe(3);
    expect(stdout).toContain('reload haproxy');
    expect(stdout).toMatch(/haproxy did not take its new configuration/);
    expect(stdout).toMatch(/Cannot raise FD limit/);
    expect(await output('lab-1', 'systemctl is-active haproxy')).toBe('active');
    expect(await output('lab-1', "ss -Hltn 'sport = 6443'")).toBe('');
  });

  tests('and so does the next apply, which has nothing else to do', async () => {
    const { code, stdout, stderr } = await apply();
    expect(code, stdout + stderr).toBe(3);
    expect(stdout).toMatch(/Cannot raise FD limit/);
  });

  tests('where it can, it has taken it when the handler ends', async () => {
    await output('lab-1', "sed -i 's/^  maxconn .*/  maxconn 2000/' /etc/haproxy/haproxy.cfg");
    await output('lab-1', reloadHaproxy.fragment.code);
    expect(await output('lab-1', "ss -Hltn 'sport = 6443'")).toContain('6443');
  });
});
