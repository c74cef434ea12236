import { describe, expect, test } from 'vitest';
import type { LiveObject } from '../src/objects/ownership.ts';
import { isSettled, ownsUnwanted } from '../src/objects/settled.ts';

/** Managed fields as an API server keeps them of the object below, shortened. */
const fieldsV1 = {
  'f:metadata': { 'f:labels': { 'f:app': {} } },
  'f:spec': {
    'f:replicas': {},
    'f:selector': {},
    'f:template': {
      'f:spec': {
        'f:containers': {
          'k:{"name":"web"}': {
            '.': {},
            'f:name': {},
            'f:args': {},
            'f:env': {
              'k:{"name":"NODE"}': { '.': {}, 'f:name': {}, 'f:valueFrom': { 'f:fieldRef': {} } },
            },
            'f:ports': {
              'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {} },
            },
          },
        },
      },
    },
  },
};

const container = {
  name: 'web',
  args: ['--quiet', '--port=80'],
  env: [{ name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } }],
  ports: [{ containerPort: 80 }],
};

function deployment(of: {
  readonly container?: object;
  readonly spec?: object;
  readonly metadata?: object;
}): LiveObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'shop', labels: { app: 'web' }, ...of.metadata },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: 'web' } },
      template: { spec: { containers: [{ ...container, ...of.container }] } },
      ...of.spec,
    },
  };
}

const manager = (fields: object, about: object = {}): object => ({
  manager: 'skerry',
  operation: 'Apply',
  apiVersion: 'apps/v1',
  fieldsType: 'FieldsV1',
  fieldsV1: fields,
  ...about,
});

const filled = {
  env: [
    { name: 'NODE', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'spec.nodeName' } } },
  ],
  ports: [{ containerPort: 80, protocol: 'TCP' }],
  imagePullPolicy: 'IfNotPresent',
};

/** As the server has it: with what it filled in, and what somebody else set. */
function live(
  of: { readonly container?: object; readonly spec?: object } = {},
  managedFields: readonly object[] = [manager(fieldsV1)],
): LiveObject {
  const others = { app: 'web', theirs: 'yes' };
  return deployment({
    container: { ...filled, ...of.container },
    spec: { strategy: { type: 'RollingUpdate' }, ...of.spec },
    metadata: { labels: others, uid: '1', resourceVersion: '7', managedFields },
  });
}

describe('an object tells that an apply would change nothing', () => {
  test('where all that is wanted is there, and ours', () => {
    expect(isSettled(deployment({}), live())).toBe(true);
    expect(isSettled(deployment({ spec: { paused: null } }), live())).toBe(true);
  });

  test('where it is ours and says nothing, which the server does not write down', () => {
    const fields = { ...fieldsV1, 'f:spec': { ...fieldsV1['f:spec'], 'f:paused': {}, 'f:x': {} } };
    const wanted = deployment({ spec: { paused: false, x: {} } });
    expect(isSettled(wanted, live({}, [manager(fields)]))).toBe(true);
    expect(isSettled(wanted, live())).toBe(false);
    expect(
      isSettled(deployment({ spec: { paused: true, x: {} } }), live({}, [manager(fields)])),
    ).toBe(false);
  });

  const without = (path: readonly string[]): object => {
    const copy = structuredClone(fieldsV1) as Record<string, unknown>;
    let at = copy;
    for (const key of path.slice(0, -1)) at = at[key] as Record<string, unknown>;
    Reflect.deleteProperty(at, path.at(-1) ?? '');
    return copy;
  };

  test.each<[string, LiveObject, LiveObject]>([
    ['nobody says who manages it', deployment({}), live({}, [])],
    ['only somebody else does', deployment({}), live({}, [manager(fieldsV1, { manager: 'helm' })])],
    [
      'we have only updated it',
      deployment({}),
      live({}, [manager(fieldsV1, { operation: 'Update' })]),
    ],
    [
      'we applied its status',
      deployment({}),
      live({}, [manager(fieldsV1, { subresource: 'status' })]),
    ],
    [
      'we applied another version',
      deployment({}),
      live({}, [manager(fieldsV1, { apiVersion: 'apps/v2' })]),
    ],
    [
      'somebody took a field over',
      deployment({}),
      live({}, [manager(without(['f:spec', 'f:replicas']))]),
    ],
    ['a field has another value', deployment({}), live({ spec: { replicas: 3 } })],
    ['a new field is wanted', deployment({ spec: { paused: true } }), live()],
    [
      'a new field is wanted, that is there',
      deployment({ spec: { strategy: { type: 'RollingUpdate' } } }),
      live(),
    ],
    [
      'a field is no longer wanted',
      deployment({ spec: { replicas: undefined } }),
      live({ spec: { replicas: 2 } }),
    ],
    ['an item of a list is no longer wanted', deployment({ container: { ports: [] } }), live()],
    [
      'a new item is wanted',
      deployment({ container: { ports: [{ containerPort: 80 }, { containerPort: 81 }] } }),
      live({
        container: {
          ports: [
            { containerPort: 80, protocol: 'TCP' },
            { containerPort: 81, protocol: 'TCP' },
          ],
        },
      }),
    ],
    [
      'an item has another key',
      deployment({ container: { ports: [{ containerPort: 80, protocol: 'UDP' }] } }),
      live(),
    ],
    ['an item is gone', deployment({}), live({ container: { ports: [] } })],
    ['a whole part has less', deployment({ container: { args: ['--quiet'] } }), live()],
    ['a whole part has more', deployment({}), live({ container: { args: ['--quiet'] } })],
    [
      'a whole part has more within, which nobody fills in',
      deployment({}),
      live({ spec: { selector: { matchLabels: { app: 'web', tier: 'front' } } } }),
    ],
  ])('and not where %s', (_, wanted, there) => {
    expect(isSettled(JSON.parse(JSON.stringify(wanted)) as LiveObject, there)).toBe(false);
  });

  test('where a list is empty, which nobody owns and the server does not write', () => {
    expect(isSettled(deployment({ spec: { volumes: [] } }), live())).toBe(true);
    expect(isSettled(deployment({ spec: { volumes: [] } }), live({ spec: { volumes: [1] } }))).toBe(
      false,
    );
  });

  test('and not where null is to take away what somebody else has set', () => {
    const wanted = deployment({ spec: { paused: null } });
    expect(isSettled(wanted, live({ spec: { paused: true } }))).toBe(false);
  });

  test('and not where its items stand in another order', () => {
    const two = [
      { name: 'NODE', value: '1' },
      { name: 'ALSO', value: '$(NODE)' },
    ];
    const item = { '.': {}, 'f:name': {}, 'f:value': {} };
    const fields = {
      'f:metadata': { 'f:labels': { 'f:app': {} } },
      'f:env': { 'k:{"name":"ALSO"}': item, 'k:{"name":"NODE"}': item },
    };
    const of = (env: readonly object[]): LiveObject => ({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', labels: { app: 'web' }, managedFields: [manager(fields)] },
      env,
    });
    const { managedFields: _, ...metadata } = of(two).metadata;
    const theirs = { name: 'THEIRS', value: '3' };
    expect(isSettled({ ...of(two), metadata }, of([theirs, ...two]))).toBe(true);
    expect(isSettled({ ...of(two), metadata }, of([...two].toReversed()))).toBe(false);
  });

  test('and not by what the server fills in, where it is of another kind', () => {
    const of = (apiVersion: string, kind: string, ports: readonly object[]): LiveObject => ({
      apiVersion,
      kind,
      metadata: { name: 'web', labels: { app: 'web' } },
      spec: { ingress: [{ ports }] },
    });
    const settled = (apiVersion: string, kind: string): boolean => {
      const managedFields = [
        manager({ ...fieldsV1, 'f:spec': { 'f:ingress': {} } }, { apiVersion }),
      ];
      const there = of(apiVersion, kind, [{ port: 80, protocol: 'TCP' }]);
      return isSettled(of(apiVersion, kind, [{ port: 80 }]), {
        ...there,
        metadata: { ...there.metadata, managedFields },
      });
    };
    expect(settled('networking.k8s.io/v1', 'NetworkPolicy')).toBe(true);
    expect(settled('cilium.io/v2', 'CiliumNetworkPolicy')).toBe(false);
  });

  test('where a quantity of a container is written in another way', () => {
    const resources = (memory: string): object => ({ resources: { limits: { memory } } });
    const fields = structuredClone(fieldsV1);
    const item = fields['f:spec']['f:template']['f:spec']['f:containers']['k:{"name":"web"}'];
    Object.assign(item, { 'f:resources': { 'f:limits': { 'f:memory': {} } } });
    const settled = (wanted: string, there: string): boolean =>
      isSettled(
        deployment({ container: resources(wanted) }),
        live({ container: resources(there) }, [manager(fields)]),
      );
    expect(settled('1024Mi', '1Gi')).toBe(true);
    expect(settled('0.7', '700m')).toBe(true);
    expect(settled('1024Mi', '1G')).toBe(false);
    expect(settled('much', 'more')).toBe(false);
  });

  test('for values of a set', () => {
    const wanted = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'a', namespace: 'b', finalizers: ['skerry.dev/one'] },
    };
    const fields = { 'f:metadata': { 'f:finalizers': { 'v:"skerry.dev/one"': {} } } };
    const managedFields = [manager(fields, { apiVersion: 'v1' })];
    const finalizers = ['skerry.dev/one', 'other.dev/two'];
    const there = { ...wanted, metadata: { ...wanted.metadata, finalizers, managedFields } };
    expect(isSettled(wanted, there)).toBe(true);
    const gone = { ...there, metadata: { ...there.metadata, finalizers: ['other.dev/two'] } };
    expect(isSettled(wanted, gone)).toBe(false);
  });
});

describe('what of an object is ours and not wanted', () => {
  test('is a field, an item of a list, or a part of what is owned as a whole', () => {
    expect(ownsUnwanted(deployment({}), live())).toBe(false);
    expect(ownsUnwanted(deployment({ container: { imagePullPolicy: 'Always' } }), live())).toBe(
      false,
    );
    const { replicas: _, ...spec } = deployment({})['spec'] as Record<string, unknown>;
    expect(ownsUnwanted({ ...deployment({}), spec }, live())).toBe(true);
    expect(
      ownsUnwanted(deployment({ container: { ports: [{ containerPort: 8080 }] } }), live()),
    ).toBe(true);
    expect(ownsUnwanted(deployment({ spec: { selector: {} } }), live())).toBe(true);
  });

  test('is nothing where we have applied nothing', () => {
    expect(ownsUnwanted(deployment({}), live({}, []))).toBe(false);
  });
});
