import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compareAt } from '../src/diff/compare-at.ts';
import type { DiffReport } from '../src/diff/diff-report.ts';
import { root } from './command.ts';
import { GitSite } from './git-site.ts';

/** The inventories, runbooks and templates that come with Skerry, in a repository of their own. */
let site: GitSite;
const inventories = readdirSync(join(root, 'inventory')).filter((name) => name.endsWith('.yaml'));

beforeAll(() => {
  const all = ['inventory', 'runbooks', 'templates'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !/node_modules|dist/.test(entry.parentPath))
      .map((entry) => join(entry.parentPath, entry.name)),
  );
  site = new GitSite(
    Object.fromEntries(all.map((path) => [path.slice(root.length + 1), readFileSync(path)])),
  );
});
afterAll(() => site[Symbol.dispose]());

const textOf = (name: string): string => readFileSync(join(root, 'inventory', name), 'utf8');

/** What an edit of an inventory is told to ask for. */
async function edited(name: string, before: string, after: string): Promise<DiffReport> {
  const text = textOf(name);
  expect(text).toContain(before);
  const path = `inventory/${name}`;
  site.write({ [path]: text.replace(before, after) });
  try {
    return await compareAt(join(site.folder, path), {
      runbook: join(site.folder, 'runbooks/cluster.ts'),
      from: 'HEAD',
    });
  } finally {
    site.write({ [path]: text });
  }
}

/** `host: step subject`, each block with its causes. */
const told = ({ plays }: DiffReport) =>
  plays.flatMap(({ blocks }) =>
    blocks.flatMap(({ hosts, steps }) =>
      steps.map(({ id, because, changes }) => ({
        asked: `${hosts.join(', ')}: ${id}`,
        because,
        subjects: changes.map(({ subject }) => subject),
      })),
    ),
  );

describe.each(inventories)('%s', (name) => {
  test('lines that move ask for nothing else', async () => {
    expect(told(await edited(name, 'cluster:\n', '# One line more.\n\ncluster:\n'))).toEqual([]);
  });
});

test('a setting of kube-proxy is told by the object that it stands in, with the line that it comes from', async () => {
  const found = told(await edited('lab-kubernetes.yaml', 'syncPeriod: 15m', 'syncPeriod: 5m'));
  const because = [
    expect.stringMatching(
      /^inventory\/lab-kubernetes\.yaml:\d+:\d+: kubernetes\.network\.ipvs\.syncPeriod: 15m → 5m$/,
    ),
  ];
  expect(found).toEqual([
    { asked: 'lab-1: membership', because, subjects: ['configuration'] },
    {
      asked: 'lab-1: objects cluster',
      because,
      subjects: [
        'groups.kube-proxy.ConfigMap kube-system/kube-proxy (partial)',
        'groups.kube-proxy.DaemonSet.apps kube-system/kube-proxy (partial)',
      ],
    },
  ]);
});

test('what goes into a chart or a manifest is compared, although no bundle is read', async () => {
  const routed = await edited('oslo.yaml', 'loadBalancer: dsr', 'loadBalancer: snat');
  expect(told(routed).map(({ subjects }) => subjects)).toContainEqual([
    'groups.Cilium.ConfigMap kube-system/skerry-chart-cilium',
    'groups.Cilium.Chart.unread.skerry.dev cilium',
  ]);
  const named = await edited(
    'oslo.yaml',
    'dns: { nodeLocal: true }',
    'dns: { nodeLocal: true, domain: k8s.example.no }',
  );
  expect(told(named).flatMap(({ subjects }) => subjects)).toContain(
    'groups.NodeLocal DNSCache.Manifest.unread.skerry.dev node-local-dns',
  );
});

test('an error in what a revision asks for names its files where they lie', async () => {
  const from = site.commit({ 'templates/containerd/config.toml.hbs': '{{nothing}}\n' });
  const error = await compareAt(join(site.folder, 'inventory/lab.yaml'), {
    runbook: join(site.folder, 'runbooks/prepare-nodes.ts'),
    from,
    to: 'HEAD',
  }).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  const text = JSON.stringify(error);
  expect(text).toContain('(runbooks/');
  expect(text).not.toContain('skerry-diff-');
});
