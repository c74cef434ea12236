import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { builtPrograms, startApiServer } from './api-server.ts';
import {
  configMap,
  diffOf,
  lines,
  namespace,
  ObjectsOnApi,
  type Wanted,
} from './objects-on-api.ts';

const programs = await builtPrograms();

/** A definition of the kind `Thing` in a group of its own, with a schema of some size. */
const definition = (group: string, padding = 'a thing'): object => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `things.${group}` },
  spec: {
    group,
    scope: 'Namespaced',
    names: { kind: 'Thing', plural: 'things', singular: 'thing', listKind: 'ThingList' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            description: padding,
            properties: {
              spec: { type: 'object', properties: { size: { type: 'integer', maximum: 9 } } },
            },
          },
        },
      },
    ],
  },
});
const thing = (group: string, name: string, size: number): object => ({
  apiVersion: `${group}/v1`,
  kind: 'Thing',
  metadata: { name, namespace: 'default' },
  spec: { size },
});

describe.skipIf(programs === undefined)('objects, on a real API server', () => {
  let objects: ObjectsOnApi;
  beforeAll(async () => {
    if (programs !== undefined) objects = new ObjectsOnApi(await startApiServer(programs));
  });
  afterAll(async () => {
    await objects?.api[Symbol.asyncDispose]();
  });

  it('are told by a dry run in the version that it looked at, also where it would change them', async () => {
    const { kubectl } = objects.api;
    await kubectl('create', 'configmap', 'versions', '-n', 'default', '--from-literal=a=1');
    const versionOf = (json: string): string =>
      (JSON.parse(json) as { metadata: { resourceVersion: string } }).metadata.resourceVersion;
    const live = versionOf(await kubectl('get', 'configmap', 'versions', '-o', 'json'));
    const folder = mkdtempSync(join(tmpdir(), 'dry-run-'));
    const file = join(folder, 'versions.json');
    writeFileSync(file, JSON.stringify(configMap('versions', { a: '2' })));
    const dry = ['--dry-run=server', '--field-manager=skerry', '--force-conflicts', '-o', 'json'];
    const applied = await kubectl('apply', '--server-side', ...dry, '-f', file);
    rmSync(folder, { recursive: true });
    expect(JSON.parse(applied)).toMatchObject({ data: { a: '2' } });
    expect(versionOf(applied)).toBe(live);
    await kubectl('delete', 'configmap', 'versions');
  });

  it.each(['dash', 'busybox'] as const)(
    'makes namespaces, kinds and what lies in them, in %s',
    async (shell) => {
      const group = `${shell}.example.org`;
      // More than what one argument of a program can hold, and characters that shells and YAML know.
      const padding = `it's "$(id)" \\ & \n 'ø' `.repeat(12_000);
      const groups = [
        {
          objects: [
            { object: thing(group, 'one', 3) },
            { object: configMap('awkward', { x: padding.slice(0, 400) }, `shop-${shell}`) },
            { object: namespace(`shop-${shell}`) },
            { object: definition(group, padding) },
          ],
        },
      ];
      const { changes } = await objects.apply(groups, shell);
      expect(lines(changes)).toEqual([
        `create Thing.${group} default/one: the API does not know its kind Thing yet`,
        `create ConfigMap shop-${shell}/awkward: its namespace shop-${shell} is not there yet`,
        `create Namespace shop-${shell}`,
        `create CustomResourceDefinition.apiextensions.k8s.io things.${group}`,
      ]);
      expect(diffOf(changes, `Thing.${group} default/one`)).toContain('+  size: 3');
      const stored = await objects.get('configmap', 'awkward', '-n', `shop-${shell}`);
      expect(stored).toMatchObject({ data: { x: padding.slice(0, 400) } });
      const misspelt = { ...thing(group, 'two', 3), spec: { sise: 3 } };
      const wrong = await objects.observe([{ objects: [{ object: misspelt }] }]);
      const refused = wrong.changes.find(({ subject }) => subject.endsWith('default/two'));
      expect(refused).toMatchObject({ action: 'refuse' });
      expect(refused?.why).toContain('.spec.sise: field not declared in schema');
      await objects.apply([]);
    },
  );

  it('shows of an object what it changes, without what the server filled in', async () => {
    const deployment = (more: object, labels: object = {}): Wanted => ({
      object: {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'web', namespace: 'default', labels },
        spec: {
          selector: { matchLabels: { app: 'web' } },
          template: {
            metadata: { labels: { app: 'web' } },
            spec: { containers: [{ name: 'web', image: 'example.org/web:1', ...more }] },
          },
        },
      },
    });
    const env = [
      { name: 'A', value: '1' },
      { name: 'B', value: '2' },
    ];
    await objects.apply([
      { objects: [deployment({ env, ports: [{ containerPort: 80 }] }, { tier: 'x' })] },
    ]);
    await objects.api.kubectl('set', 'env', 'deployment/web', 'FOREIGN=yes');
    await objects.api.kubectl(
      'label',
      'deployment/web',
      'theirs=stays',
      'tier=drift',
      '--overwrite',
    );
    expect(
      diffOf(
        (
          await objects.observe([
            { objects: [deployment({ env, ports: [{ containerPort: 80 }] }, { tier: 'x' })] },
          ])
        ).changes,
        'Deployment.apps default/web',
      ),
    ).toEqual(['-    tier: drift', '+    tier: x']);
    const { changes } = await objects.apply([
      {
        objects: [deployment({ env: env.slice(0, 1), image: 'example.org/web:2' }, { tier: 'x' })],
      },
    ]);
    expect(diffOf(changes, 'Deployment.apps default/web')).toEqual([
      '-    tier: drift',
      '+    tier: x',
      '-          image: example.org/web:1',
      '+          image: example.org/web:2',
      '-            - name: B',
      '-              value: "2"',
      '-          ports:',
      '-            - containerPort: 80',
      '-              protocol: TCP',
    ]);
    const [container] = (
      (await objects.get('deployment', 'web')) as {
        spec: { template: { spec: { containers: { env: { name: string }[] }[] } } };
      }
    ).spec.template.spec.containers;
    expect(container?.env.map(({ name }) => name)).toEqual(['A', 'FOREIGN']);
    await objects.apply([]);
  });

  it('deletes what was its own and is no longer wanted, also of types that nobody wants', async () => {
    const role = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name: 'reader', namespace: 'default' },
      rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }],
    };
    const group = 'gone.example.org';
    await objects.apply([
      {
        objects: [
          { object: namespace('stays') },
          { object: role },
          { object: definition(group) },
          { object: thing(group, 'mine', 1) },
          { object: configMap('one', {}) },
          { object: configMap('two', {}) },
        ],
      },
    ]);
    // A copy that somebody made, labels and all.
    const copy = (await objects.get('configmap', 'two')) as { metadata: { name: string } };
    const { labels, annotations } = copy.metadata as { labels?: object; annotations?: object };
    const theirs = {
      ...copy,
      metadata: { name: 'theirs', namespace: 'default', labels, annotations },
    };
    await objects.byHand('create', theirs);
    const { changes } = await objects.apply([{ objects: [{ object: configMap('one', {}) }] }]);
    expect(lines(changes)).toEqual([
      `delete Thing.${group} default/mine: it is no longer wanted`,
      'delete ConfigMap default/two: it is no longer wanted',
      'delete Role.rbac.authorization.k8s.io default/reader: it is no longer wanted',
      `update CustomResourceDefinition.apiextensions.k8s.io things.${group}: it is no longer wanted and stays, because all objects of its kind, whoever made them, would go with it`,
      'update Namespace stays: it is no longer wanted and stays, because everything in it would go with it',
    ]);
    expect(await objects.api.kubectl('get', 'configmaps', '-o', 'name')).toBe(
      'configmap/one\nconfigmap/theirs\n',
    );
    expect(await objects.api.kubectl('get', `things.${group}`, '-o', 'name')).toBe('');
    expect(
      await objects.api.kubectl('get', 'namespace', 'stays', '-o', 'jsonpath={.metadata.labels}'),
    ).toBe('{"kubernetes.io/metadata.name":"stays"}');
    await objects.apply([]);
  });
});
