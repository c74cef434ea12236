import { readFileSync } from 'node:fs';
import { DiagnosticError, type Diagnostic } from '@skerry/diagnostics';
import { parseInventory, type Inventory } from '@skerry/inventory';
import type { Artifact, Bundle } from '@skerry/steps';
import { describe, expect, test } from 'vitest';
import { clusterObjects } from '../src/index.ts';
import { addOnsOf } from '../src/bundle-content/content.ts';

function inventoryWith(kubernetes: string): Inventory {
  return parseInventory(
    `cluster: { name: made }
groups: { nodes: { roles: [control-plane], hosts: { a: { address: 10.0.0.1 } } } }
kubernetes:
  version: 1.36.3
${kubernetes}`,
    'made.yaml',
  );
}

/** A bundle of manifests and charts, each as `manifest metallb 0.16.1`. */
function bundleOf(addOns: readonly string[]): Bundle {
  const artifacts = addOns.map((addOn): Artifact => {
    const [kind = '', name = '', version = ''] = addOn.split(' ');
    if (kind !== 'manifest' && kind !== 'chart') throw new Error(`${kind} is no text`);
    const path = `${kind}s/${name}`;
    return { kind, name, version, path, sha256: '0'.repeat(64), size: 1, origin: 'test' };
  });
  return { schema: 1, artifacts };
}

/** What is told by whoever plans the objects of a cluster, and whether a text was read before. */
function planned(
  inventory: Inventory,
  addOns: readonly string[],
): { told: readonly Diagnostic[]; read: boolean } {
  let read = false;
  const text = (): string => {
    read = true;
    return '';
  };
  const step = clusterObjects({ inventory, fleet: new Map(), bundle: bundleOf(addOns) });
  const texts = { manifest: text, chart: text, render: () => '', source: () => '' };
  try {
    step.resolve?.(texts);
  } catch (error) {
    // Empty texts are told as such, once they are read.
    if (!read && error instanceof DiagnosticError) return { told: error.diagnostics, read };
    if (!read) throw error;
  }
  return { told: [], read };
}

describe('a bundle of another version', () => {
  test.each([
    ['network: { cni: cilium }', ['chart cilium'], '1.19.5'],
    ['network: { cni: calico }', ['manifest calico-crds', 'manifest calico'], '3.32.2'],
    ['network: { cni: { flannel: { version: 0.28.1 } } }', ['manifest flannel'], '0.28.1'],
    ['loadBalancer: { metallb: { pools: [] } }', ['manifest metallb'], '0.16.2'],
    ['dns: { nodeLocal: true }', ['manifest node-local-dns'], '1.36.3'],
    ['ingress: { controller: gateway-api }', ['manifest gateway-api'], '1.6.1'],
  ])('is refused before its texts are read: %s', (kubernetes, names, version) => {
    const inventory = inventoryWith(`  ${kubernetes}\n`);
    const { told, read } = planned(
      inventory,
      names.map((name) => `${name} 0.1.0`),
    );
    expect(told.map(({ code, what }) => `${code}: ${what}`)).toEqual(
      names.map(
        (name) =>
          `bundle-version: the bundle has the ${name} 0.1.0, and ${version} is to be installed`,
      ),
    );
    expect(read).toBe(false);
    const right = planned(
      inventory,
      names.map((name) => `${name} ${version}`),
    );
    expect(right).toEqual({ told: [], read: true });
  });

  test('is told at the line that names the version, with both ways out', () => {
    const named = '  network: { cni: { cilium: { version: 1.19.5 } } }\n';
    expect(planned(inventoryWith(named), ['chart cilium 1.18.5']).told).toMatchObject([
      {
        severity: 'error',
        at: { file: 'made.yaml', line: 5, column: 40 },
        why: 'the inventory asks for it, and where there is a bundle nothing comes from elsewhere',
        fix: 'make a bundle of this inventory: bootstrap bundle create INVENTORY --out DIR\nor take the version that the bundle has: "version: 1.18.5" in kubernetes.network.cni.cilium',
      },
    ]);
  });

  test('is told with the reason where the inventory names none', () => {
    const [told] = planned(inventoryWith('  network: { cni: cilium }\n'), [
      'chart cilium 1.18.5',
    ]).told;
    expect(told?.at).toBeUndefined();
    expect(told?.why).toMatch(/^the inventory names no version of it, and Skerry takes 1\.19\.5;/);
  });

  test('is nobody’s business where the inventory does not ask for it', () => {
    const inventory = inventoryWith('  network: { cni: routed }\n');
    expect(planned(inventory, ['chart cilium 1.18.5', 'manifest metallb 0.15.0']).told).toEqual([]);
  });
});

describe('the lab’s own bundle', () => {
  const read = (path: string): string =>
    readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
  /** Modules that the components are built of: their manifests and charts come with them. */
  const modules: Readonly<Record<string, string>> = {
    metallb: 'go.universe.tf/metallb',
    cilium: 'github.com/cilium/cilium',
    flannel: 'github.com/flannel-io/flannel',
  };
  const built = (name: string): string | undefined =>
    read(`test/components/${name}/go.mod`)
      .split('\n')
      .map((line) => line.trim().split(' '))
      .find(([path, version]) => path === modules[name] && version?.startsWith('v'))?.[1];
  const routed = read('inventory/lab-kubernetes.yaml');

  test.each([
    ['lab-kubernetes', routed, ['metallb']],
    ['lab-cilium', read('inventory/lab-cilium.yaml'), ['cilium', 'metallb']],
    [
      'lab-kubernetes with Flannel',
      routed.replace('cni: routed', 'cni: flannel'),
      ['flannel', 'metallb'],
    ],
  ])('has the versions that %s leads to', (_, text, names) => {
    const wanted = addOnsOf(parseInventory(text, 'lab.yaml'));
    expect(wanted.map(({ name, version }) => `${name} v${version}`)).toEqual(
      names.map((name) => `${name} ${built(name)}`),
    );
  });
});
