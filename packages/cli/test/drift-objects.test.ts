import { objectsKind, type KubernetesObject } from '@skerry/kubernetes';
import { findDrift, type Drift } from '@skerry/runbook';
import { expect, test } from 'vitest';

const config = (value: string): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'settings', namespace: 'shop' },
  data: { value },
});

const desired = (line: number, value: string): unknown =>
  objectsKind.schema.parse({
    name: 'cluster',
    groups: [
      {
        name: 'shop',
        objects: [{ object: config(value), origin: `inventory/site.yaml:${line}:3` }],
      },
    ],
  });

/** What drifted between what was asked at the last apply and what is asked now, on an untouched host. */
function driftOf(then: unknown, now: unknown): Drift[] {
  const step = {
    id: 'objects cluster',
    kind: objectsKind,
    desired: now,
    notify: new Map<string, string>(),
    needs: [],
  };
  const play = { play: 'Objects', become: true };
  return findDrift({
    hosts: [{ host: 'a', plays: [{ ...play, steps: [step] }] }],
    journal: new Map([
      [
        'a',
        {
          version: 1,
          time: '2026-01-02T03:04:05Z',
          runbook: 'mine',
          steps: [{ ...play, id: step.id, desired: JSON.parse(JSON.stringify(then)) as unknown }],
        },
      ],
    ]),
    plan: { schema: 1, runbook: 'mine', cluster: 'c', order: ['Objects'], hosts: [] },
    earlier: undefined,
    digest: (text) => text,
    conceal: (text) => text,
  });
}

test('objects whose line in the inventory moved have not drifted', () => {
  expect(driftOf(desired(10, 'one'), desired(12, 'one'))).toEqual([]);
});

test('one that is asked for otherwise is told by its name, as YAML', () => {
  const [drift] = driftOf(desired(10, 'one'), desired(10, 'two'));
  expect(drift?.cause).toBe('inventory');
  expect(drift?.asked).toEqual([
    {
      subject: 'groups.shop.ConfigMap shop/settings',
      action: 'update',
      diff: expect.stringContaining('-  value: one\n+  value: two') as string,
    },
  ]);
});
