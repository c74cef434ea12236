import { describe, expect, it } from 'vitest';
import type { Change } from '@skerry/steps';
import { ApplyOrders } from '../src/objects/apply-orders.ts';
import { idOf, schema, type ObjectGroups } from '../src/objects/desired-objects.ts';
import { recordOf } from '../src/objects/ownership.ts';

const named = (apiVersion: string, kind: string, name: string, rest: object = {}) => ({
  object: { apiVersion, kind, metadata: { name, namespace: 'shop' }, ...rest },
  origin: 'site.yaml:3:1',
});
const definition = named('apiextensions.k8s.io/v1', 'CustomResourceDefinition', 'things.x.org', {
  spec: { group: 'x.org', names: { kind: 'Thing' } },
});
const thing = named('x.org/v1', 'Thing', 'one');
const program = named('apps/v1', 'Deployment', 'web');
const wait = { resource: 'deployment/web', namespace: 'shop', rollout: true, seconds: 60 } as const;

/** Each order in short: what is applied in one call stands in one line. */
function ordersOf(
  groups: ObjectGroups,
  action: Change['action'] = 'create',
  why: Readonly<Record<string, string>> = {},
): string[] {
  const desired = schema.parse({ name: 'cluster', groups });
  const record = recordOf(desired);
  const all = [record, ...desired.groups.flatMap(({ objects }) => objects)];
  const changes = all.map(({ object }): Change => {
    const reason = why[object.metadata.name];
    return { subject: idOf(object), action, ...(reason === undefined ? {} : { why: reason }) };
  });
  const orders = new ApplyOrders(desired, new Map(changes.map((one) => [one.subject, one])));
  orders.recordAhead(record);
  for (const group of desired.groups) orders.group(group);
  orders.record(record);
  const words = [...orders.words()];
  const lines: string[] = [];
  const take = (count: number): string[] => words.splice(0, count);
  while (words.length > 0) {
    const [order = ''] = take(1);
    if (order === 'apply') {
      const [, count = ''] = take(2);
      const each = Array.from({ length: Number(count) }, () => take(4).slice(0, 2).join(' '));
      lines.push(`apply ${each.join(', ')}`);
    } else if (order === 'established' || order === 'expected') {
      const [seconds = '', count = ''] = take(2);
      lines.push(
        `${order} ${take(Number(count)).join(' ')}${order === 'expected' ? ` ${seconds} s` : ''}`,
      );
    } else {
      lines.push(`${order} ${take({ group: 1, wait: 5, record: 3 }[order] ?? 0)[0] ?? ''}`);
    }
  }
  return lines;
}

describe('orders of an apply', () => {
  const record = 'ConfigMap kube-system/skerry-cluster-objects';

  it('go by one call up to the next wait, after the record', () => {
    const groups = [
      { name: 'one', objects: [named('v1', 'ConfigMap', 'a')] },
      { name: 'two', objects: [program], waits: [wait] },
      { name: 'three', objects: [named('v1', 'ConfigMap', 'b')] },
    ];
    expect(ordersOf(groups)).toEqual([
      `apply new ${record}`,
      'group one, two',
      'apply new ConfigMap shop/a, new Deployment.apps shop/web',
      'wait rolled out',
      'group three',
      'apply new ConfigMap shop/b',
    ]);
    expect(ordersOf(groups, 'update').at(0)).toMatch(/^record /);
    expect(ordersOf(groups, 'update').at(-1)).toBe(`apply there ConfigMap shop/b, there ${record}`);
  });

  it('wait for new kinds before what is of them, and before a group that may look for them', () => {
    const crd = 'CustomResourceDefinition.apiextensions.k8s.io shop/things.x.org';
    expect(ordersOf([{ name: 'one', objects: [thing, definition] }]).slice(1)).toEqual([
      'group one',
      `apply new ${crd}`,
      'established things.x.org',
      'apply new Thing.x.org shop/one',
    ]);
    const apart = [
      { name: 'kinds', objects: [definition] },
      { name: 'program', objects: [program] },
    ];
    expect(ordersOf(apart).slice(1)).toEqual([
      'group kinds',
      `apply new ${crd}`,
      'established things.x.org',
      'group program',
      'apply new Deployment.apps shop/web',
    ]);
  });

  it('do not ask for new kinds once pods of their group are there', () => {
    const groups = [
      { name: 'one', objects: [definition, program], waits: [wait] },
      { name: 'two', objects: [thing] },
    ];
    expect(ordersOf(groups).filter((line) => line.startsWith('established'))).toEqual([]);
  });

  it('wait late where no group needs it, and then with all that is due', () => {
    const waitsLate = true as const;
    const groups = [
      { name: 'one', objects: [definition], waits: [wait], waitsLate },
      { name: 'two', objects: [thing, program], waits: [wait] },
      { name: 'three', objects: [named('v1', 'ConfigMap', 'b')], waits: [wait], waitsLate },
    ];
    expect(ordersOf(groups).slice(1)).toEqual([
      'group one',
      'apply new CustomResourceDefinition.apiextensions.k8s.io shop/things.x.org',
      'established things.x.org',
      'group two',
      'apply new Thing.x.org shop/one, new Deployment.apps shop/web',
      'wait rolled out',
      'wait rolled out',
      'group three',
      'apply new ConfigMap shop/b',
      'wait rolled out',
    ]);
  });

  it('wait for what others are about to make right before the first wait, and no sooner', () => {
    const node = (name: string) => ({
      object: { apiVersion: 'v1', kind: 'Node', metadata: { name } },
      ownership: 'partial' as const,
      origin: 'site.yaml:9:5',
      expected: 'it joins',
    });
    const groups = [
      { name: 'nodes', objects: [node('here'), node('late'), node('later')] },
      { name: 'one', objects: [named('v1', 'ConfigMap', 'a')] },
      { name: 'two', objects: [program], waits: [wait] },
      { name: 'three', objects: [named('v1', 'ConfigMap', 'b')] },
    ];
    // The first is there already: it is compared like any other.
    const why = { late: 'it joins', later: 'it joins' };
    expect(ordersOf(groups, 'update', why)).toEqual([
      'record {"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"skerry-cluster-objects","namespace":"kube-system","labels":{"app.kubernetes.io/managed-by":"skerry","skerry.dev/cluster-objects":"owned"},"annotations":{"skerry.dev/object":"ConfigMap kube-system/skerry-cluster-objects"}},"data":{"skerry-types":"',
      'group nodes, one, two',
      'apply partial Node here, there ConfigMap shop/a, there Deployment.apps shop/web',
      'expected Node/late Node/later 1800 s',
      'apply awaited Node late, awaited Node later',
      'wait rolled out',
      'group three',
      `apply there ConfigMap shop/b, there ${record}`,
    ]);
    expect(ordersOf(groups.slice(0, 2), 'update', why).slice(2)).toEqual([
      'apply partial Node here, there ConfigMap shop/a',
      'expected Node/late Node/later 1800 s',
      `apply awaited Node late, awaited Node later, there ${record}`,
    ]);
  });
});
