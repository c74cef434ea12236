import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { controlPlaneOf } from '@skerry/kubernetes';
import type { Inventory } from '@skerry/inventory';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runFragment } from '../../packages/steps/test/harness/run-fragment.ts';
import { builtPrograms, built, startApiServer } from './api-server.ts';
import { groupsOf, inventoryOf, kubeadmInit, written } from './inventory-on-api.ts';
import { diffOf, lines, ObjectsOnApi } from './objects-on-api.ts';

const programs = await builtPrograms();
const metallb = await built('metallb');

describe.skipIf(programs === undefined || metallb === undefined)('an inventory', () => {
  let objects: ObjectsOnApi;
  let manifest = '';
  beforeAll(async () => {
    if (programs === undefined || metallb === undefined) return;
    manifest = await readFile(join(metallb, 'metallb-native.yaml'), 'utf8');
    objects = new ObjectsOnApi(await startApiServer(programs));
    objects.secrets.set('BGP', 'hunter22');
  });
  afterAll(async () => {
    await objects?.api[Symbol.asyncDispose]();
  });

  it('follow a cluster that kubeadm made, and what changes in the inventory', async () => {
    const inventory = inventoryOf(written);
    await kubeadmInit(objects, inventory);
    // What is marked as ours, which fails for want of kinds; what there is of all else; the dry run.
    const fresh = await objects.observe(groupsOf(inventory, manifest));
    expect(fresh.observed.calls).toBe(3);
    const { changes } = await objects.apply(groupsOf(inventory, manifest));
    const all = lines(changes).map((line) => line.split(':')[0]);
    expect(all.slice(0, 6)).toEqual([
      'update ConfigMap kube-system/kubeadm-config',
      'update ConfigMap kube-system/kubelet-config',
      'update Node cp-1',
      'update Node w-1 (taints)',
      'update Node w-1',
      'update ConfigMap kube-system/kube-proxy',
    ]);
    expect(all).toContain('create IPAddressPool.metallb.io metallb-system/edge');
    expect(all).toContain('create NetworkPolicy.networking.k8s.io shop/allow-dns');

    const ipvs = inventoryOf(written.replace('proxy: nftables', 'proxy: ipvs'));
    const { changes: proxy } = await objects.apply(groupsOf(ipvs, manifest));
    expect(lines(proxy)).toEqual([
      'update ConfigMap kube-system/kube-proxy',
      'update DaemonSet.apps kube-system/kube-proxy',
    ]);
    expect(diffOf(proxy, 'ConfigMap kube-system/kube-proxy')).toContain('+    mode: ipvs');
  });

  it('leave kubeadm a configuration of the kubelet that it can read, and fill in', async () => {
    const node = hostname().toLowerCase();
    const name = 'kubeadm.alpha.kubernetes.io/cri-socket';
    const annotations = { [name]: 'unix:///run/containerd/containerd.sock' };
    await objects.byHand('create', {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: node, annotations },
    });
    const code = `
mkdir -p /etc/kubernetes /var/lib/kubelet &&
mount -t tmpfs none /etc/kubernetes && mount -t tmpfs none /var/lib/kubelet &&
cp "$1" /etc/kubernetes/kubelet.conf &&
kubeadm upgrade node phase kubelet-config --dry-run --kubeconfig "$1" >&2 &&
cat /etc/kubernetes/tmp/*/config.yaml`;
    const { stdout, stderr } = await runFragment(
      'dash',
      { code, args: [objects.api.kubeconfig] },
      { env: objects.api.env, inside: ['unshare', '-m'] },
    );
    expect(stdout, stderr).toContain('\ncgroupDriver: systemd\n');
    expect(stdout).toContain('\nstaticPodPath: /etc/kubernetes/manifests\n');
    expect(stdout).toContain('    clientCAFile: /etc/kubernetes/pki/ca.crt\n');
  });

  it('have CoreDNS by kubeadm with a patch, and as it was without', async () => {
    const patched = (patches: string): Inventory =>
      inventoryOf(
        written.replace('  network: {', `  kubeadm: { patches: ${patches} }\n  network: {`),
      );
    const probe =
      '{ spec: { template: { spec: { containers: [{ name: coredns, livenessProbe: { timeoutSeconds: 60 } }] } } } }';
    const code = `
mkdir -p /etc/kubernetes && mount -t tmpfs none /etc/kubernetes && mkdir /etc/kubernetes/patches || exit
if [ -n "$2" ]; then printf %s "$2" >/etc/kubernetes/patches/corednsdeployment.json; fi
printf %s "$1" >/etc/kubernetes/config.yaml
kubeadm init phase addon coredns --config /etc/kubernetes/config.yaml --kubeconfig "$3"`;
    const write = async (inventory: Inventory): Promise<unknown> => {
      const [first] = inventory.hosts;
      if (first === undefined) throw new Error('there is no host');
      const { configuration } = controlPlaneOf(inventory, first).desired as {
        configuration: string;
      };
      const patch = inventory.kubernetes.kubeadm.patches['corednsdeployment'];
      const args = [configuration, patch === undefined ? '' : JSON.stringify(patch)];
      const { code: status, stderr } = await runFragment(
        'dash',
        { code, args: [...args, objects.api.kubeconfig] },
        { env: objects.api.env, inside: ['unshare', '-m'] },
      );
      expect(status, stderr).toBe(0);
      const words = 'get deployment coredns -n kube-system -o json'.split(' ');
      const { spec } = JSON.parse(await objects.api.kubectl(...words)) as {
        spec: { template: { spec: { containers: object[] } } };
      };
      return spec.template.spec.containers[0];
    };
    const plain = await write(inventoryOf(written));
    expect(await write(patched(`{ corednsdeployment: ${probe} }`))).toMatchObject({
      name: 'coredns',
      livenessProbe: { timeoutSeconds: 60, initialDelaySeconds: 60 },
    });
    expect(await write(patched('{ etcd+json: [] }'))).toEqual(plain);
    expect(await write(inventoryOf(written))).toEqual(plain);
  });

  it('go with what made them, dependants first', async () => {
    const less = inventoryOf(
      written
        .replace(/ {2}loadBalancer:[^]*(?= {2}policies)/, '')
        .replace('proxy: nftables', 'proxy: none')
        .replace('labels: { disk: nvme }, ', ''),
    );
    const { changes: gone } = await objects.apply(groupsOf(less, manifest));
    expect(diffOf(gone, 'Node w-1')).toEqual(['-    disk: nvme']);
    expect(lines(gone)).toEqual(
      expect.arrayContaining([
        'delete DaemonSet.apps kube-system/kube-proxy: it is not wanted: site.yaml:12:21',
        'delete BGPPeer.metallb.io metallb-system/tor: it is no longer wanted',
        'delete Secret metallb-system/bgp-tor: it is no longer wanted',
        'delete Deployment.apps metallb-system/controller: it is no longer wanted',
      ]),
    );
    const kinds = lines(gone).filter((line) => line.startsWith('delete'));
    const at = (part: string): number => kinds.findIndex((line) => line.includes(part));
    expect(at('BGPPeer')).toBeLessThan(at('Deployment.apps'));
    expect(at('Deployment.apps')).toBeLessThan(at('ServiceAccount'));
    expect(await objects.api.kubectl('get', 'all', '-n', 'metallb-system', '-o', 'name')).toBe('');
  });
});
