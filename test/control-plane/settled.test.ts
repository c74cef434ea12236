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
    ['another order', { web: { env: container.env.toReversed() } }, [there]],
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

  it('tells what it gets where a list of ours is no longer wanted', async () => {
    const policy = (policyTypes: object): object => ({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: 'out', namespace: 'default' },
      spec: { podSelector: {}, egress: [{ ports: [{ port: 53 }] }], ...policyTypes },
    });
    await objects.apply([{ objects: [{ object: policy({ policyTypes: ['Egress'] }) }] }]);
    const { changes } = await objects.apply([{ objects: [{ object: policy({}) }] }]);
    expect(lines(changes)).toEqual(['update NetworkPolicy.networking.k8s.io default/out']);
  });

  it('is asked for where the server fills in more than is known, and has no change then', async () => {
    const claim = {
      metadata: { name: 'scratch' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    };
    const set = {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { name: 'store', namespace: 'default' },
      spec: {
        selector: { matchLabels: { app: 'store' } },
        serviceName: 'store',
        template: { metadata: { labels: { app: 'store' } }, spec: { containers: [container] } },
        volumeClaimTemplates: [claim],
      },
    };
    const groups = [{ objects: [{ object: set }] }];
    const { converge } = await objects.observe(groups);
    expect((await converge()).code).toBe(0);
    const { observed, changes } = await objects.observe(groups);
    expect(lines(changes)).toEqual([]);
    expect(observed.calls).toBe(2);
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
