import { describe, expect, test } from 'vitest';
import { objectsKind } from '../src/index.ts';
import { differenceOf } from '../src/objects/object-difference.ts';

const isEqual = ({ before, after }: ReturnType<typeof differenceOf>): boolean =>
  JSON.stringify(before) === JSON.stringify(after);

const notReady = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' };

describe('what an apply changes of an object', () => {
  test('what it takes away of what was ours', () => {
    const wanted = { metadata: { labels: { a: '1' } }, spec: { args: ['x'] } };
    const live = { metadata: { labels: { a: '1', old: '2' } }, spec: { args: ['x'], more: 1 } };
    const applied = { metadata: { labels: { a: '1' } }, spec: { args: ['x'] } };
    expect(differenceOf(wanted, live, applied)).toEqual({
      before: { metadata: { labels: { a: '1', old: '2' } }, spec: { args: ['x'], more: 1 } },
      after: { metadata: { labels: { a: '1' } }, spec: { args: ['x'] } },
    });
    expect(isEqual(differenceOf(wanted, live, applied, "anybody's"))).toBe(true);
  });

  test('what is wanted is compared also where somebody else wrote meanwhile', () => {
    const wanted = { spec: { args: ['x'], ports: [{ name: 'a', port: 1 }] } };
    const live = {
      spec: {
        args: ['x', 'y'],
        ports: [
          { name: 'a', port: 2 },
          { name: 'b', port: 3 },
        ],
      },
    };
    const applied = { spec: { args: ['x'], ports: [{ name: 'a', port: 1 }] } };
    expect(differenceOf(wanted, live, applied, "anybody's")).toEqual({
      before: { spec: { args: ['x', 'y'], ports: [] } },
      after: { spec: { args: ['x'], ports: [{ name: 'a', port: 1 }] } },
    });
  });

  test('what was owned and gets what the server fills in', () => {
    const live = {
      metadata: { generation: 1, annotations: { 'deprecated.daemonset.template.generation': '1' } },
      spec: { replicas: 3, policyTypes: ['Egress'] },
      status: { replicas: 3 },
    };
    const applied = {
      metadata: { generation: 2, annotations: { 'deprecated.daemonset.template.generation': '2' } },
      spec: { replicas: 1, policyTypes: ['Ingress'] },
      status: { replicas: 2 },
    };
    expect(differenceOf({ spec: {} }, live, applied, 'owned')).toEqual({
      before: { spec: { replicas: 3, policyTypes: ['Egress'] } },
      after: { spec: { replicas: 1, policyTypes: ['Ingress'] } },
    });
    expect(isEqual(differenceOf({ spec: {} }, live, applied))).toBe(true);
  });

  test('the order of items that are told apart by their names', () => {
    const [a, b, theirs] = [{ name: 'a' }, { name: 'b' }, { name: 'theirs' }];
    expect(differenceOf([b, a], [a, theirs, b], [b, theirs, a])).toEqual({
      before: [a, b],
      after: [b, a],
    });
    expect(isEqual(differenceOf([a, b], [a, theirs, b], [theirs, a, b]))).toBe(true);
  });

  test('a taint that Kubernetes takes off while the node is read is no change of ours', () => {
    const desired = objectsKind.schema.parse({
      name: 'cluster',
      groups: [
        {
          name: 'nodes',
          objects: [
            {
              object: { apiVersion: 'v1', kind: 'Node', metadata: { name: 'w-1' } },
              ownership: 'partial',
              origin: 'site.yaml:1:1',
            },
          ],
        },
      ],
    });
    const node = (resourceVersion: string, taints: readonly object[]) => ({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: {
        name: 'w-1',
        resourceVersion,
        labels: { 'skerry.dev/cluster-objects': 'partial' },
        annotations: { 'skerry.dev/object': 'Node w-1' },
      },
      spec: { podCIDR: '10.244.1.0/24', ...(taints.length === 0 ? {} : { taints }) },
    });
    const changesOf = (versions: readonly [string, string]): string[] =>
      objectsKind
        .diff(desired, {
          cluster: true,
          live: [node(versions[0], [notReady])],
          settled: [],
          surplus: [],
          applied: [node(versions[1], [])],
          pending: [{ id: 'ConfigMap kube-system/skerry-cluster-objects', lacks: 'namespace' }],
          refused: [],
          calls: 2,
        })
        .map(({ subject }) => subject)
        .filter((subject) => subject.startsWith('Node'));
    expect(changesOf(['7', '8'])).toEqual([]);
    expect(changesOf(['7', '7'])).toEqual(['Node w-1']);
  });
});
