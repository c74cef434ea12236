import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Inventory } from '@skerry/inventory';
import type { Change } from '@skerry/steps';
import { describe, expect, test } from 'vitest';
import { runFragment, shells } from '../../steps/test/harness/run-fragment.ts';
import { sandbox } from '../../steps/test/harness/sandbox.ts';
import { controlPlaneKind, controlPlaneOf, patchesKind, patchSteps } from '../src/index.ts';
import { changed, marked } from './marked-inventory.ts';

const withPatches = (patches: string): Inventory =>
  marked(
    changed([
      '  dns: { nodeLocal: false }',
      `  dns: { nodeLocal: false }\n  kubeadm: { patches: ${patches} }`,
    ]),
  ).inventory;
const both = withPatches('{ kube-apiserver: { metadata: {} }, etcd0+json: [] }');
const one = withPatches('{ etcd0+json: [] }');
const none = marked(changed()).inventory;

/** What the step wants in another folder. */
function desiredIn(folder: string, inventory: Inventory) {
  const step = patchSteps(inventory).find(({ kind }) => kind.kind === 'patches');
  return { ...patchesKind.schema.parse(step?.desired), folder };
}

describe.each(shells)('the folder of patches, by %s', (shell) => {
  test('loses those that the inventory has no more, and nothing of others', async () => {
    await using box = await sandbox();
    const folder = join(box.path, 'patches');
    const look = async (inventory: Inventory): Promise<readonly Change[]> => {
      const desired = desiredIn(folder, inventory);
      const output = await runFragment(shell, patchesKind.probe(desired));
      return patchesKind.diff(desired, patchesKind.parse(output, desired));
    };
    const apply = async (inventory: Inventory): Promise<void> => {
      const result = await runFragment(
        shell,
        patchesKind.converge(desiredIn(folder, inventory), []),
      );
      expect(result.code, result.stderr).toBe(0);
    };
    expect(await look(none)).toEqual([]);
    await apply(none);

    mkdirSync(folder);
    for (const name of ['etcd0+json.json', 'kube-apiserver.json']) {
      writeFileSync(join(folder, name), '{}');
    }
    expect(await look(both)).toEqual([]);

    const others = ['etcd.yaml', 'my notes.json'];
    for (const name of others) writeFileSync(join(folder, name), '');
    writeFileSync(join(folder, 'etcd of mine.json'), '{}');
    symlinkSync('/nowhere', join(folder, 'kubeproxydaemonset+merge.json'));
    mkdirSync(join(folder, 'etcd-old.json'));
    expect((await look(one)).map(({ subject, action }) => `${action} ${subject}`)).toEqual(
      ['etcd of mine.json', 'kube-apiserver.json', 'kubeproxydaemonset+merge.json'].map(
        (name) => `delete ${folder}/${name}`,
      ),
    );
    await apply(one);
    expect(await look(one)).toEqual([]);
    expect(readdirSync(folder).toSorted()).toEqual(
      [...others, 'etcd-old.json', 'etcd0+json.json'].toSorted(),
    );

    expect(await look(none)).toMatchObject([{ subject: `${folder}/etcd0+json.json` }]);
    await apply(none);
    expect(await look(none)).toEqual([]);
  });
});

describe('a control plane', () => {
  const desiredOf = (inventory: Inventory, name = 'cp-1') => {
    const host = inventory.hosts.find((candidate) => candidate.name === name);
    if (host === undefined) throw new Error(`there is no ${name}`);
    return controlPlaneKind.schema.parse(controlPlaneOf(inventory, host).desired);
  };
  /** What is shown where the first inventory was applied, and the second one is wanted. */
  const diffOf = (before: Inventory, after: Inventory, name?: string): string[] => {
    const [, , record] = controlPlaneKind.converge(desiredOf(before, name), []).args;
    if (typeof record !== 'string') throw new Error('the record is a text');
    const observed = { exists: true, recorded: record, drifted: [] };
    return controlPlaneKind
      .diff(desiredOf(after, name), observed)
      .flatMap(({ diff = '' }) => diff.split('\n').filter((line) => /^[-+]/.test(line)));
  };

  test('is made anew when a patch goes, the last one too', () => {
    expect(diffOf(both, both)).toEqual([]);
    expect(diffOf(both, one)).toEqual(['-kube-apiserver:', '-  metadata: {}', '----']);
    expect(diffOf(one, none)).toEqual([
      '-patches:',
      '-  directory: /etc/kubernetes/patches',
      '-# patches',
      '-etcd0+json: []',
    ]);
    expect(desiredOf(one).etcd).not.toBe(desiredOf(none).etcd);
    expect(desiredOf(both).etcd).toBe(desiredOf(one).etcd);
  });

  test('is concerned with patches of CoreDNS where it is the first one', () => {
    const two = withPatches('{ corednsdeployment: { spec: { replicas: 1 } }, etcd0+json: [] }');
    expect(diffOf(two, one, 'cp-2')).toEqual([]);
    expect(diffOf(two, one, 'cp-1')).toContain('-corednsdeployment:');
    expect(desiredOf(two, 'cp-2').coredns).toBe('');
    expect(desiredOf(two).coredns).toBe('[["corednsdeployment",{"spec":{"replicas":1}}]]');
    expect(desiredOf(none).coredns).toBe('[]');
  });
});
