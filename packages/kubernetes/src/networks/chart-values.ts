import { stringify } from 'yaml';
import type { Identity } from '../objects/desired-objects.ts';
import type { KubernetesObject } from '../objects/kubernetes-object.ts';

/**
 * The values that a chart was rendered with, as an object of the cluster: so a plan shows them, and
 * what changes of them, beside the objects that come of it, and a cluster tells them later. A secret
 * among them is only named.
 */
export function chartValues(
  chart: { readonly name: string; readonly version: string; readonly namespace: string },
  values: Readonly<Record<string, unknown>>,
): KubernetesObject & Identity {
  const text = stringify(values, { sortMapEntries: true, lineWidth: 0 });
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: `skerry-chart-${chart.name}`, namespace: chart.namespace },
    data: {
      chart: `${chart.name} ${chart.version}`,
      'values.yaml': text.replaceAll(/⟦secret:[^⟧]*⟧/g, '(a secret)'),
    },
  };
}
