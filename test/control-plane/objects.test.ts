import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { objectsKind } from '@skerry/kubernetes';
import type { Change } from '@skerry/steps';
import { runFragment, type ShellName } from '../../packages/steps/test/harness/run-fragment.ts';
import { builtPrograms, startApiServer, type ApiServer } from './api-server.ts';

const programs = await builtPrograms();

interface Wanted {
  readonly object: object;
  readonly ownership?: string;
}
interface Group {
  readonly objects: readonly Wanted[];
  readonly waits?: readonly object[];
}

const site = 'site.yaml:3:1';

/** Groups as a runbook gives them, of objects that all come from the same place. */
function groupsOf(groups: readonly Group[]): object[] {
  return groups.map(({ objects, waits = [] }, index) => ({
    name: `group ${index + 1}`,
    objects: objects.map((one) => ({ origin: site, ...one })),
    waits,
  }));
}

const configMap = (name: string, data: object, namespace = 'default'): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace },
  data,
});
const namespace = (name: string): object => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name },
});

/** A definition of the kind `Thing` in a group of its own, with a schema of some size. */
const definition = (group: string, padding = ''): object => ({
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
  let api: ApiServer;
  beforeAll(async () => {
    if (programs !== undefined) api = await startApiServer(programs);
  });
  afterAll(async () => {
    await api?.[Symbol.asyncDispose]();
  });

  const values = new Map<string, string>();
  const reveal = (text: string): string =>
    text.replaceAll(/⟦secret-base64:env:(\w+)⟧/g, (token, name: string) => {
      const value = values.get(name);
      return value === undefined ? token : Buffer.from(value).toString('base64');
    });

  async function observe(groups: readonly Group[], shell: ShellName = 'dash') {
    const desired = objectsKind.schema.parse({
      groups: groupsOf(groups),
      kubeconfig: api.kubeconfig,
    });
    const options = { env: api.env, reveal };
    const output = await runFragment(shell, objectsKind.probe(desired), options);
    expect(output).toMatchObject({ code: 0, stderr: '' });
    const observed = objectsKind.parse(output, desired);
    const changes = objectsKind.diff(desired, observed);
    const converge = (): ReturnType<typeof runFragment> =>
      runFragment(shell, objectsKind.converge(desired, changes), options);
    return { observed, changes, converge };
  }

  /**
   * Applies, looks that after it nothing is left to do, which takes two calls, and that applying once
   * more is safe. Gives what was to do before.
   */
  async function apply(
    groups: readonly Group[],
    shell: ShellName = 'dash',
  ): Promise<readonly Change[]> {
    const { changes, converge } = await observe(groups, shell);
    expect(await converge()).toMatchObject({ code: 0 });
    const after = await observe(groups, shell);
    expect(after.changes).toEqual([]);
    expect(after.observed.calls).toBe(2);
    return changes;
  }

  /** One change in one line. */
  const lines = (changes: readonly Change[]): string[] =>
    changes
      .filter(({ subject }) => !subject.endsWith('skerry-cluster-objects'))
      .map(
        ({ subject, action, why }) => `${action} ${subject}${why === undefined ? '' : `: ${why}`}`,
      );

  const diffOf = (changes: readonly Change[], subject: string): string[] =>
    (changes.find((change) => change.subject === subject)?.diff ?? '')
      .split('\n')
      .filter((line) => /^[+-]/.test(line));

  const json = async (...words: readonly string[]): Promise<unknown> =>
    JSON.parse(await api.kubectl('get', ...words, '-o', 'json')) as unknown;

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
      const changes = await apply(groups, shell);
      expect(lines(changes)).toEqual([
        `create Thing.${group} default/one: the API does not know its kind Thing yet`,
        `create ConfigMap shop-${shell}/awkward: its namespace shop-${shell} is not there yet`,
        `create Namespace shop-${shell}`,
        `create CustomResourceDefinition.apiextensions.k8s.io things.${group}`,
      ]);
      expect(diffOf(changes, `Thing.${group} default/one`)).toContain('+  size: 3');
      const stored = await json('configmap', 'awkward', '-n', `shop-${shell}`);
      expect(stored).toMatchObject({ data: { x: padding.slice(0, 400) } });
      await apply([]);
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
    await apply([
      { objects: [deployment({ env, ports: [{ containerPort: 80 }] }, { tier: 'x' })] },
    ]);
    await api.kubectl('set', 'env', 'deployment/web', 'FOREIGN=yes');
    await api.kubectl('label', 'deployment/web', 'theirs=stays', 'tier=drift', '--overwrite');
    expect(
      diffOf(
        (
          await observe([
            { objects: [deployment({ env, ports: [{ containerPort: 80 }] }, { tier: 'x' })] },
          ])
        ).changes,
        'Deployment.apps default/web',
      ),
    ).toEqual(['-    tier: drift', '+    tier: x']);
    const changes = await apply([
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
      (await json('deployment', 'web')) as {
        spec: { template: { spec: { containers: { env: { name: string }[] }[] } } };
      }
    ).spec.template.spec.containers;
    expect(container?.env.map(({ name }) => name)).toEqual(['A', 'FOREIGN']);
    await apply([]);
  });

  it('deletes what was its own and is no longer wanted, also of types that nobody wants', async () => {
    const role = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name: 'reader', namespace: 'default' },
      rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }],
    };
    const group = 'gone.example.org';
    await apply([
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
    const copy = (await json('configmap', 'two')) as { metadata: { name: string } };
    const { labels, annotations } = copy.metadata as { labels?: object; annotations?: object };
    const theirs = {
      ...copy,
      metadata: { name: 'theirs', namespace: 'default', labels, annotations },
    };
    await createFrom(theirs);
    const changes = await apply([{ objects: [{ object: configMap('one', {}) }] }]);
    expect(lines(changes)).toEqual([
      `delete Thing.${group} default/mine: it is no longer wanted`,
      'delete ConfigMap default/two: it is no longer wanted',
      'delete Role.rbac.authorization.k8s.io default/reader: it is no longer wanted',
      `update CustomResourceDefinition.apiextensions.k8s.io things.${group}: it is no longer wanted and stays, because all objects of its kind, whoever made them, would go with it`,
      'update Namespace stays: it is no longer wanted and stays, because everything in it would go with it',
    ]);
    expect(await api.kubectl('get', 'configmaps', '-o', 'name')).toBe(
      'configmap/one\nconfigmap/theirs\n',
    );
    expect(await api.kubectl('get', `things.${group}`, '-o', 'name')).toBe('');
    expect(
      await api.kubectl('get', 'namespace', 'stays', '-o', 'jsonpath={.metadata.labels}'),
    ).toBe('{"kubernetes.io/metadata.name":"stays"}');
    await apply([]);
  });

  async function createFrom(object: object): Promise<void> {
    const { code, stderr } = await runFragment(
      'dash',
      {
        code: `printf '%s' "$1" | KUBECONFIG=$2 kubectl create -f -`,
        args: [JSON.stringify(object), api.kubeconfig],
      },
      { env: api.env },
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  }
});
