import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { alongsideFile } from '@skerry/steps';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { builtPrograms, built, startApiServer } from './api-server.ts';
import { groupsOf, inventoryOf, kubeadmInit, written } from './inventory-on-api.ts';
import { lines, ObjectsOnApi, type Group } from './objects-on-api.ts';

const programs = await builtPrograms();
const metallb = await built('metallb');

describe.skipIf(programs === undefined || metallb === undefined)('a cluster that begins', () => {
  let objects: ObjectsOnApi;
  let groups: Group[] = [];
  const inventory = inventoryOf(written);
  beforeEach(async () => {
    if (programs === undefined || metallb === undefined) return;
    objects = new ObjectsOnApi(await startApiServer(programs));
    objects.secrets.set('BGP', 'hunter22');
    const manifest = await readFile(join(metallb, 'metallb-native.yaml'), 'utf8');
    const kubernetes = { kubelet: '', role: '' as const, ca: '', server: '' };
    groups = groupsOf(inventory, manifest, {
      fleet: new Map(
        inventory.hosts.map(({ name }) => [name, { kernel: '', kubernetes } as never]),
      ),
      isComing: () => true,
    });
  });
  afterEach(async () => {
    rmSync(alongsideFile, { force: true });
    await objects?.api[Symbol.asyncDispose]();
  });

  it('is given all by the plan of before, nodes as they join, and then nothing is left to do', async () => {
    const { changes, converge, observed } = await objects.observe(groups, 'dash', true);
    expect(observed).toMatchObject({ cluster: false });
    const all = lines(changes);
    expect(all.slice(0, 6)).toEqual([
      'update ConfigMap kube-system/kubeadm-config: it comes with a new cluster',
      'update ConfigMap kube-system/kubelet-config: it comes with a new cluster',
      'update Node cp-1: it joins the cluster in this run',
      'update Node w-1 (taints)',
      'update Node w-1: it joins the cluster in this run',
      'update ConfigMap kube-system/kube-proxy: it comes with a new cluster',
    ]);
    expect(all).toContain('create IPAddressPool.metallb.io metallb-system/edge');

    await kubeadmInit(objects, inventory, []);
    mkdirSync(dirname(alongsideFile), { recursive: true });
    writeFileSync(alongsideFile, '');
    const applying = converge();
    // Two that are missing are another case for kubectl than one.
    await sleep(6000);
    for (const name of ['cp-1', 'w-1']) {
      await objects.byHand('create', { apiVersion: 'v1', kind: 'Node', metadata: { name } });
      await sleep(2000);
    }
    rmSync(alongsideFile);
    const { code, stdout, stderr } = await applying;
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(
      'waiting until these are there, 1800 s at most: Node/cp-1 Node/w-1\nno longer waiting: all of them are there\n',
    );
    const after = await objects.observe(groups);
    expect(lines(after.changes)).toEqual([]);
    expect(await objects.get('node', 'w-1')).toMatchObject({
      metadata: { labels: { disk: 'nvme' } },
      // Beside the one that Kubernetes itself sets.
      spec: { taints: expect.arrayContaining([{ key: 'gpu', effect: 'NoSchedule' }]) as unknown },
    });
  });

  it('does not wait for nodes that nobody makes, and is given all else', async () => {
    const { converge } = await objects.observe(groups, 'busybox', true);
    await kubeadmInit(objects, inventory, ['cp-1']);
    const { code, stdout } = await converge();
    expect(code).toBe(0);
    expect(stdout).toContain('no longer waiting: not all of them are there\n');
    expect(stdout).toContain('Node w-1: it is not there, so nothing of it is set\n');
    expect(await objects.get('node', 'cp-1')).toMatchObject({
      metadata: { annotations: { 'skerry.dev/object': 'Node cp-1' } },
    });
    expect(await objects.api.kubectl('get', 'networkpolicies', '-n', 'shop')).toContain(
      'allow-dns',
    );
    // It comes by itself: then it is only its labels that are left.
    await objects.byHand('create', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'w-1' } });
    const after = await objects.observe(groups);
    expect(lines(after.changes)).toEqual(['update Node w-1 (taints)', 'update Node w-1']);
  });
});
