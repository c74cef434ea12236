import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { builtPrograms, startApiServer } from './api-server.ts';
import { lines, ObjectsOnApi } from './objects-on-api.ts';

const programs = await builtPrograms();

const container = {
  name: 'web',
  image: 'web:1',
  env: [
    { name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
    { name: 'PLACE', value: '$(NODE)' },
  ],
  ports: [
    { containerPort: 53, name: 'dns' },
    { containerPort: 53, name: 'dns-udp', protocol: 'UDP' },
  ],
  resources: { requests: { cpu: '100m' } },
  volumeMounts: [{ name: 'scratch', mountPath: '/scratch' }],
};
function deployment({ spec = {}, pod = {}, web = {} }): object {
  const volumes = [{ name: 'scratch', emptyDir: {} }];
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' }, creationTimestamp: null },
        spec: { hostNetwork: false, volumes, containers: [{ ...container, ...web }], ...pod },
      },
      ...spec,
    },
  };
}

const there = 'update Deployment.apps default/web';

// Each look in here is compared with what a dry run of all objects says: see ObjectsOnApi.
describe.skipIf(programs === undefined)('an object that tells by itself how it is', () => {
  let objects: ObjectsOnApi;
  beforeAll(async () => {
    if (programs !== undefined) objects = new ObjectsOnApi(await startApiServer(programs));
  });
  afterAll(async () => {
    await objects?.api[Symbol.asyncDispose]();
  });

  it.each<[string, Parameters<typeof deployment>[0], string[]]>([
    ['another value', { spec: { replicas: 3 } }, [there]],
    ['less of it', { spec: { replicas: undefined } }, [there]],
    ['null', { spec: { replicas: null } }, [there]],
    ['an empty list', { pod: { imagePullSecrets: [] } }, []],
    ['what the server fills in anyway', { web: { imagePullPolicy: 'IfNotPresent' } }, []],
    ['one of two ports', { web: { ports: container.ports.slice(1) } }, [there]],
    ['a part of a whole less', { pod: { tolerations: undefined } }, []],
    ['a quantity in other words', { web: { resources: { requests: { cpu: '0.1' } } } }, []],
  ])('tells the truth of %s', async (_, change, expected) => {
    await objects.apply([{ objects: [{ object: deployment({}) }] }]);
    const groups = [
      { objects: [{ object: JSON.parse(JSON.stringify(deployment(change))) as object }] },
    ];
    expect(lines((await objects.observe(groups)).changes)).toEqual(expected);
  });

  it('is set back where somebody else has changed it, and is theirs where they change it back', async () => {
    const groups = [{ objects: [{ object: deployment({}) }] }];
    await objects.apply(groups);
    await objects.api.kubectl('scale', 'deployment/web', '--replicas=5');
    expect(lines((await objects.observe(groups)).changes)).toEqual([there]);
    await objects.api.kubectl('scale', 'deployment/web', '--replicas=2');
    const { observed, changes } = await objects.observe(groups);
    expect(lines(changes)).toEqual([]);
    expect(observed.calls).toBe(2);
  });
});
