import { DiagnosticError } from '@skerry/diagnostics';
import type { Change } from '@skerry/steps';
import { parse } from 'yaml';
import { describe, expect, test } from 'vitest';
import { clusterObjectGroups, clusterObjects, membershipOf, objectsKind } from '../src/index.ts';
import { manifestObjects, rollouts } from '../src/cluster-objects/manifest-objects.ts';
import { changed, marked } from './marked-inventory.ts';

const metallb = `
apiVersion: v1
kind: Namespace
metadata: { name: metallb-system }
---
apiVersion: apps/v1
kind: DaemonSet
metadata: { name: speaker, namespace: metallb-system }
spec: { template: { spec: { containers: [{ name: speaker, image: example.org/speaker }] } } }
`;
const texts = { manifest: () => metallb, chart: () => '' };

function groupsOf(text: string) {
  const { inventory } = marked(text);
  return clusterObjectGroups({ inventory, fleet: new Map() }, texts);
}

const names = (groups: ReturnType<typeof groupsOf>): Record<string, string[]> =>
  Object.fromEntries(
    groups.map(({ name, objects }) => [
      name,
      objects.map(({ object, ownership }) => {
        const { kind, metadata } = object;
        return `${ownership} ${kind} ${metadata.name}`;
      }),
    ]),
  );

describe('the objects of a cluster', () => {
  const withPeer = changed(
    ['    cni: cilium', '    cni: routed'],
    [
      '      pools:',
      '      peers: [{ name: tor, address: 10.20.0.1, asn: 64512, localAsn: 64513, password: env:BGP }]\n      pools:',
    ],
    ['advertise: l2', 'advertise: bgp'],
  );

  test('come in groups, each after what it needs', () => {
    expect(names(groupsOf(withPeer))).toMatchObject({
      'what kubeadm keeps of the cluster': [
        'partial ConfigMap kubeadm-config',
        'partial ConfigMap kubelet-config',
      ],
      'labels and taints of nodes': [
        'partial Node cp-1',
        'partial Node cp-2',
        'partial Node cp-3',
        'partial Node w-1',
        'partial Node w-2',
      ],
      'kube-proxy': ['partial ConfigMap kube-proxy', 'partial DaemonSet kube-proxy'],
      MetalLB: ['owned Namespace metallb-system', 'owned DaemonSet speaker'],
      'pools of addresses': [
        'owned Secret bgp-tor',
        'owned BGPPeer tor',
        'owned IPAddressPool edge',
        'owned BGPAdvertisement edge',
      ],
    });
    expect(Object.keys(names(groupsOf(withPeer))).at(-1)).toBe('NetworkPolicies');
    expect(names(groupsOf(withPeer))['NetworkPolicies']?.[0]).toBe('kept Namespace default');
  });

  test('are what the step kind takes, and never hold a secret', () => {
    const desired = objectsKind.schema.parse({ name: 'cluster', groups: groupsOf(withPeer) });
    const sent = JSON.stringify(objectsKind.probe(desired));
    expect(sent).toContain('⟦secret-base64:env:BGP⟧');
    expect(sent).not.toContain('stringData');
  });

  test('say which line of the inventory made them', () => {
    const origins = new Map(
      groupsOf(withPeer).flatMap(({ objects }) =>
        objects.map(({ object, origin }) => [`${object.kind} ${object.metadata.name}`, origin]),
      ),
    );
    const lineOf = (part: string): number =>
      withPeer.slice(0, withPeer.indexOf(part)).split('\n').length;
    const line = (name: string): number => Number(origins.get(name)?.split(':').at(-2));
    expect(line('Node w-1')).toBe(lineOf('w-1:'));
    expect(line('IPAddressPool edge')).toBe(lineOf('- { name: edge'));
    expect(line('BGPAdvertisement edge')).toBe(lineOf('- { name: edge'));
    expect(line('Secret bgp-tor')).toBe(lineOf('env:BGP'));
    expect(line('ConfigMap kube-proxy')).toBe(lineOf('proxy: nftables'));
    expect(line('NetworkPolicy default-deny')).toBe(lineOf('policies:'));
  });

  test('restart kube-proxy when its configuration changes, and only then', () => {
    const proxyOf = (text: string) => {
      const group = groupsOf(text).find(({ name }) => name === 'kube-proxy');
      const [config, daemonSet] = group?.objects ?? [];
      const { data } = (config?.object ?? {}) as { data?: Record<string, string> };
      return { config: parse(data?.['config.conf'] ?? '') as object, pods: daemonSet?.object };
    };
    const nftables = proxyOf(withPeer);
    expect(nftables.config).toMatchObject({
      mode: 'nftables',
      clientConnection: { kubeconfig: '/var/lib/kube-proxy/kubeconfig.conf' },
    });
    const ipvs = proxyOf(withPeer.replace('proxy: nftables', 'proxy: ipvs'));
    expect(ipvs.pods).not.toEqual(nftables.pods);
    expect(proxyOf(withPeer.replace('advertise: bgp', 'advertise: l2')).pods).toEqual(
      nftables.pods,
    );
  });

  test('find the note on kube-proxy that kubeadm init has put there, so that its pods are made once', () => {
    const { inventory } = marked(withPeer);
    const first = inventory.hosts.find(({ roles }) => roles.includes('control-plane'));
    if (first === undefined) throw new Error('no control plane');
    const step = membershipOf(inventory, first, new Map());
    const { action, afterInit } = step.desired as { action: string; afterInit: string };
    expect(action).toBe('init');
    const group = groupsOf(withPeer).find(({ name }) => name === 'kube-proxy');
    const daemonSet = group?.objects.find(({ object }) => object.kind === 'DaemonSet');
    expect(JSON.parse(afterInit)).toEqual(daemonSet?.object);
  });

  test('have the labels and taints of a host that joins before, and of nobody else that is no node', () => {
    const { inventory } = marked(withPeer);
    const one = inventory.hosts.find(({ roles }) => roles.includes('worker'));
    if (one === undefined) throw new Error('no worker');
    const labelled = inventory.hosts.map((host) =>
      host === one
        ? {
            ...host,
            node: {
              ...host.node,
              labels: { zone: 'a' },
              taints: [{ key: 'gpu', value: '', effect: 'NoSchedule' as const }],
            },
          }
        : host,
    );
    const record = { id: 'ConfigMap kube-system/skerry-cluster-objects', lacks: 'namespace' };
    const changesWith = (role: '' | 'worker', isComing: boolean): readonly Change[] => {
      const facts = { kubernetes: { kubelet: '', role, ca: '', server: '' } } as never;
      const context = {
        inventory: { ...inventory, hosts: labelled },
        fleet: new Map([[one.name, facts]]),
        isComing: () => isComing,
      };
      const groups = clusterObjectGroups(context, texts).filter(({ name }) =>
        name.includes('nodes'),
      );
      const desired = objectsKind.schema.parse({ name: 'cluster', groups });
      return objectsKind
        .diff(desired, {
          cluster: true,
          live: [],
          settled: [],
          surplus: [],
          applied: [],
          pending: [record],
          refused: [],
          calls: 2,
        })
        .filter(({ subject }) => subject.startsWith('Node '));
    };
    expect(changesWith('worker', true)).toEqual([]);
    expect(changesWith('', false)).toEqual([]);
    expect(changesWith('', true)).toEqual([
      {
        subject: `Node ${one.name} (taints)`,
        action: 'update',
        before: 'none',
        after: 'gpu:NoSchedule',
      },
      expect.objectContaining({
        subject: `Node ${one.name}`,
        action: 'update',
        why: 'it joins the cluster in this run',
        diff: expect.stringContaining('+    zone: a') as string,
      }),
    ]);
  });

  test('begin a cluster where this run makes the first control plane of it, and only there', () => {
    const { inventory } = marked(withPeer);
    const [first, second] = inventory.hosts.filter(({ roles }) => roles.includes('control-plane'));
    const member = (role: string, server = '') => ({
      kernel: '6.12.0',
      kubernetes: { kubelet: '', role, ca: '', server },
    });
    const begins = (facts: readonly object[], isComing = true): unknown => {
      const names = [first, second].flatMap((host) => (host === undefined ? [] : [host.name]));
      const fleet = new Map(names.map((name, at) => [name, (facts[at] ?? {}) as never]));
      const step = clusterObjects({ inventory, fleet, isComing: () => isComing });
      const context = { ...texts, render: () => '', source: () => '' };
      return (step.resolve?.(context) as { begins: boolean } | undefined)?.begins;
    };
    expect(begins([member('')])).toBe(true);
    expect(begins([member('')], false)).toBe(false);
    expect(begins([member('control-plane')])).toBe(false);
    expect(begins([])).toBe(false);
  });

  test('let control planes answer for addresses where they run what others do, and only there', () => {
    const speakerOf = (text: string): string =>
      JSON.stringify(
        groupsOf(text)
          .find(({ name }) => name === 'MetalLB')
          ?.objects.find(({ object }) => object.kind === 'DaemonSet')?.object,
      );
    const ignore = '"args":["--ignore-exclude-lb"]';
    expect(speakerOf(withPeer)).not.toContain('--ignore-exclude-lb');
    const nobodyElse = withPeer.replace('[worker]', '[]');
    expect(speakerOf(nobodyElse)).toContain(ignore);
    const shared = withPeer.replace('[control-plane]', '[control-plane, worker]');
    expect(speakerOf(shared)).toContain(ignore);
  });

  test('take patches of the inventory: fields merged, containers by name, null takes away', () => {
    const patch =
      '{ spec: { template: { spec: { containers: [{ name: speaker, image: null, livenessProbe: { timeoutSeconds: 30 } }, { name: more, image: example.org/more }], tolerations: [{ operator: Exists }] } } } }';
    const patched = (name: string): string =>
      withPeer.replace('      peers: [', `      patches: { '${name}': ${patch} }\n      peers: [`);
    const speaker = groupsOf(patched('DaemonSet speaker'))
      .find(({ name }) => name === 'MetalLB')
      ?.objects.find(({ object }) => object.kind === 'DaemonSet');
    expect(speaker?.object).toMatchObject({ metadata: { name: 'speaker' } });
    expect(speaker?.object['spec']).toEqual({
      template: {
        spec: {
          containers: [
            { name: 'speaker', livenessProbe: { timeoutSeconds: 30 } },
            { name: 'more', image: 'example.org/more' },
          ],
          tolerations: [{ operator: 'Exists' }],
        },
      },
    });
    let refused: unknown;
    try {
      groupsOf(patched('DaemonSet speakr'));
    } catch (error) {
      refused = error;
    }
    expect(refused).toBeInstanceOf(DiagnosticError);
    const [diagnostic] = (refused as DiagnosticError).diagnostics;
    expect(diagnostic).toMatchObject({
      code: 'patch-without-object',
      fix: 'did you mean "DaemonSet speaker"?',
      at: { line: withPeer.split('\n').findIndex((line) => line.includes('peers: [')) + 1 },
    });
  });

  test('let kube-proxy go where nothing of it is wanted', () => {
    const groups = groupsOf(withPeer.replace('proxy: nftables', 'proxy: none'));
    expect(names(groups)).toMatchObject({
      'kube-proxy, which gives way': ['absent DaemonSet kube-proxy', 'absent ConfigMap kube-proxy'],
    });
  });
});

describe('a manifest', () => {
  test('is read as Kubernetes reads YAML, its lists as their items', () => {
    const text = `
# nothing
---
apiVersion: v1
kind: List
items:
  - { apiVersion: v1, kind: ConfigMap, metadata: { name: a }, data: { date: 2024-01-02, time: 10:10 } }
  - apiVersion: apps/v1
    kind: Deployment
    metadata: { name: d, namespace: own }
    spec: { enabled: yes, mode: 0644 }
---
{ apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: { name: c } }
---
`;
    const objects = manifestObjects(text, 'the manifest x', 'given');
    expect(objects.map(({ object }) => object)).toEqual([
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'a', namespace: 'given' },
        data: { date: '2024-01-02', time: '10:10' },
      },
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'd', namespace: 'own' },
        spec: { enabled: true, mode: 420 },
      },
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRole',
        metadata: { name: 'c' },
      },
    ]);
    expect(rollouts(objects, 60)).toEqual([
      { resource: 'deployment/d', namespace: 'own', rollout: true, seconds: 60 },
    ]);
  });

  test.each([
    ['{ a: b', 'Flow map'],
    ['just words', 'no apiVersion'],
    ['{ apiVersion: v1, kind: Pod, metadata: {} }', 'a Pod has no name'],
  ])('that holds no objects is an error: %s', (text, why) => {
    const read = (): unknown => manifestObjects(text, 'the manifest x');
    expect(read).toThrow(DiagnosticError);
    try {
      read();
    } catch (error) {
      const [found] = (error as DiagnosticError).diagnostics;
      expect(found?.what).toContain('the manifest x');
      expect(found?.why).toContain(why);
    }
  });
});
