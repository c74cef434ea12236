import { parseInventory } from '@skerry/inventory';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { chartValues } from '../src/networks/chart-values.ts';
import { networkGroups } from '../src/networks/network-groups.ts';

test('the values that a chart is rendered with are an object before those that come of it', () => {
  const inventory = parseInventory(
    `cluster: { name: made }
groups: { cp: { roles: [control-plane], hosts: { cp-1: { address: 10.0.0.1 } } } }
kubernetes:
  version: 1.36.3
  network:
    proxy: none
    cni: { cilium: { version: 1.19.5 } }
`,
    'made.yaml',
  );
  let given: unknown;
  const texts = {
    manifest: () => '',
    chart: (_name: string, { values }: { values: unknown }) => {
      given = values;
      return 'apiVersion: v1\nkind: ServiceAccount\nmetadata: { name: cilium }\n';
    },
  };
  const [group] = networkGroups(inventory, texts, 60);
  const [values, account] = group?.objects ?? [];
  expect(values).toMatchObject({
    origin: 'made.yaml:7:5',
    ownership: 'owned',
    object: {
      kind: 'ConfigMap',
      metadata: { name: 'skerry-chart-cilium', namespace: 'kube-system' },
      data: { chart: 'cilium 1.19.5' },
    },
  });
  const data = values?.object['data'] as Record<string, string> | undefined;
  expect(parse(data?.['values.yaml'] ?? '')).toEqual(given);
  expect(given).toMatchObject({ kubeProxyReplacement: 'true' });
  expect(account).toMatchObject({ object: { kind: 'ServiceAccount' } });
});

test('a secret among them is not told', () => {
  const about = { name: 'x', version: '1', namespace: 'default' };
  const values = { password: '⟦secret:env:PASSWORD⟧' };
  expect(chartValues(about, values)).toMatchObject({
    data: { 'values.yaml': 'password: (a secret)\n' },
  });
});
