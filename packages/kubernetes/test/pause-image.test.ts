import { parseInventory } from '@skerry/inventory';
import { expect, test } from 'vitest';
import { kubeadmImages } from '../src/bundle-content/images.ts';
import { pauseImageOf } from '../src/index.ts';

function pauseOf(kubernetes: string, node = '{}'): string {
  const inventory = parseInventory(
    `cluster: { name: c, node: ${node} }
groups: { nodes: { hosts: { a: { address: 10.0.0.1 } } } }
kubernetes: ${kubernetes}
`,
    'site.yaml',
  );
  const [host] = inventory.hosts;
  if (host === undefined) throw new Error('no host');
  return pauseImageOf(inventory, host);
}

test.each(['1.33.13', '1.34.4', '1.35.4', '1.36.3'])(
  'the pause image of a node is one that kubeadm %s asks for',
  (version) => {
    expect(kubeadmImages(version)).toContain(pauseOf(`{ version: ${version} }`));
  },
);

test('without a version it is that of the newest release; what the inventory says stands above', () => {
  expect(pauseOf('{}')).toBe('registry.k8s.io/pause:3.10.2');
  const own = '{ containerd: { pauseImage: mirror.example/pause:1 } }';
  expect(pauseOf('{ version: 1.35.4 }', own)).toBe('mirror.example/pause:1');
});
