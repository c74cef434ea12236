import { readFileSync } from 'node:fs';
import type { Inventory } from '@skerry/inventory';
import { parseInventory } from '@skerry/inventory';
import type { Check, Finding, OutsideAnswer, ProbeOutput, Verdict } from '@skerry/steps';
import { checks } from '../src/index.ts';
import { parseClusterView, type ClusterView } from '../src/verification/cluster-view.ts';

/** What real programs printed: kubectl and kube-proxy 1.36.3, nft 1.0.6, iptables 1.8.9. */
export function recorded(name: string): string {
  return readFileSync(new URL(`fixtures/verification/${name}`, import.meta.url), 'utf8');
}

export const said = (stdout: string, more: Partial<ProbeOutput> = {}): ProbeOutput => ({
  code: 0,
  stdout,
  stderr: '',
  utf8: true,
  ...more,
});

/** The inventory of the recorded cluster; `network` and more of `kubernetes` as flow maps. */
export function inventoryOf(
  options: { network?: string; more?: string; node?: string } = {},
): Inventory {
  const { network = 'cni: cilium, proxy: nftables', more = '', node = '{}' } = options;
  return parseInventory(
    `cluster: { name: lab, node: ${node} }
groups:
  control-plane: { roles: [control-plane], hosts: { lab-1: { address: 192.168.121.11 } } }
  workers: { roles: [worker], hosts: { lab-2: { address: 192.168.121.12 } } }
kubernetes:
  version: 1.36.3
  network: { ${network} }
${more}`,
    'lab.yaml',
  );
}

export const pool = `  loadBalancer:
    metallb: { pools: [{ name: edge, addresses: [192.168.121.200-192.168.121.210] }] }
`;

/** 2026-11-22, noon. */
export const noon = Date.UTC(2026, 10, 22, 12);

/** The recorded cluster: lab-1 is Ready, lab-2 is not; each has a probe, and lab-3 one without image. */
export function viewOf(
  inventory: Inventory = inventoryOf(),
  more: Partial<ClusterView> = {},
): ClusterView {
  const parsed = parseClusterView(said(recorded('cluster.txt')), {
    inventory,
    now: noon,
    setUpFailure: undefined,
  });
  return { ...parsed, ...more };
}

export function checkNamed(id: string): Check<ClusterView> {
  const found = checks.find((check) => check.id === id);
  if (found === undefined) throw new Error(`there is no check ${id}`);
  return found;
}

export function judge(
  id: string,
  view: ClusterView,
  answers: Readonly<Record<string, ProbeOutput>> = {},
  calls: readonly OutsideAnswer[] = [],
): Verdict {
  return checkNamed(id).judge(view, new Map(Object.entries(answers)), calls);
}

/** The findings of a verdict that must be a failure. */
export function findings(verdict: Verdict): readonly Finding[] {
  if (verdict.status !== 'failed') throw new Error(JSON.stringify(verdict));
  return verdict.findings;
}
