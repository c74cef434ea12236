import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { objectsKind } from '@skerry/kubernetes';
import { runFragment } from '../../packages/steps/test/harness/run-fragment.ts';
import { builtPrograms, startApiServer } from './api-server.ts';
import { configMap, diffOf, lines, namespace, ObjectsOnApi, site } from './objects-on-api.ts';

const programs = await builtPrograms();

describe.skipIf(programs === undefined)('objects of others, and what goes wrong', () => {
  let objects: ObjectsOnApi;
  beforeAll(async () => {
    if (programs !== undefined) objects = new ObjectsOnApi(await startApiServer(programs));
  });
  afterAll(async () => {
    await objects?.api[Symbol.asyncDispose]();
  });

  it('sets of what others made only its own fields, and only where it is there', async () => {
    const daemonSet = (more: object): object => ({
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: { name: 'proxy', namespace: 'kube-system' },
      ...more,
    });
    const labels = { app: 'proxy' };
    const restarted = (digest: string) => ({
      ownership: 'partial',
      object: daemonSet({ spec: { template: { metadata: { annotations: { digest } } } } }),
    });
    const missing = { ownership: 'partial', object: configMap('missing', { x: '1' }) };
    const containers = [{ name: 'proxy', image: 'example.org/proxy:1' }];
    const spec = {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers } },
    };
    expect((await objects.observe([{ objects: [restarted('1'), missing] }])).changes).toHaveLength(
      1,
    );
    const needed = { ...restarted('1'), missing: 'make it' };
    expect((await objects.observe([{ objects: [needed] }])).changes[0]).toEqual({
      subject: 'DaemonSet.apps kube-system/proxy',
      action: 'refuse',
      why: 'it is not there',
      fix: 'make it',
    });
    // By "kubectl apply", of which kubectl would hand over all fields, and drop those not named here.
    await objects.byHand('apply', daemonSet({ spec }));
    const { observed, changes, converge } = await objects.observe([
      { objects: [restarted('1'), missing] },
    ]);
    expect(observed.calls).toBe(3);
    expect(diffOf(changes, 'DaemonSet.apps kube-system/proxy')).toEqual([
      '+  labels:',
      '+    skerry.dev/cluster-objects: partial',
      '+  annotations:',
      '+    skerry.dev/object: DaemonSet.apps kube-system/proxy',
      '+spec:',
      '+  template:',
      '+    metadata:',
      '+      annotations:',
      '+        digest: "1"',
    ]);
    expect(await converge()).toMatchObject({ code: 0 });
    expect(await objects.get('daemonset', 'proxy', '-n', 'kube-system')).toMatchObject({
      spec: {
        template: { metadata: { annotations: { digest: '1' }, labels }, spec: { containers } },
      },
    });
    expect(await objects.api.kubectl('get', 'configmaps', '-o', 'name')).toBe('');
    // A field that is no longer wanted goes; the object stays when nothing of it is wanted.
    const labelled = (metadata: object) => ({
      ownership: 'partial',
      object: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default', ...metadata } },
    });
    await objects.apply([{ objects: [labelled({ labels: { ours: 'yes' } }), restarted('2')] }]);
    const { changes: less } = await objects.apply([{ objects: [labelled({})] }]);
    expect(diffOf(less, 'Namespace default')).toEqual(['-    ours: yes'].map(quoteYes));
    expect(lines(less)).toContain(
      'update DaemonSet.apps kube-system/proxy: nothing of it is wanted any more; it was made by somebody else and stays',
    );
    await objects.apply([]);
    expect(await objects.get('daemonset', 'proxy', '-n', 'kube-system')).toMatchObject({
      metadata: { name: 'proxy' },
      spec: { template: { spec: { containers } } },
    });
  });

  it('keeps a namespace with all that it had, and removes what is to be absent', async () => {
    await objects.byHand('apply', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'shop', labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
    });
    await objects.byHand('create', configMap('proxy', { mode: 'ipvs' }, 'kube-system'));
    const wanted = [
      { ownership: 'kept', object: namespace('shop') },
      { ownership: 'kept', object: namespace('new') },
      { object: configMap('ours', {}, 'shop') },
      { ownership: 'absent', object: configMap('proxy', {}, 'kube-system') },
    ];
    const { changes } = await objects.apply([{ objects: wanted }]);
    expect(lines(changes)).toEqual([
      'update Namespace shop',
      'create Namespace new',
      'create ConfigMap shop/ours',
      `delete ConfigMap kube-system/proxy: it is not wanted: ${site}`,
    ]);
    const { changes: left } = await objects.apply([]);
    expect(lines(left).map((line) => line.split(':')[0])).toEqual([
      'delete ConfigMap shop/ours',
      'update Namespace new',
      'update Namespace shop',
    ]);
    expect(
      await objects.api.kubectl('get', 'namespace', 'shop', '-o', 'jsonpath={.metadata.labels}'),
    ).toBe(
      '{"kubernetes.io/metadata.name":"shop","pod-security.kubernetes.io/enforce":"restricted"}',
    );
  });

  it('leaves alone what another step applied', async () => {
    const shop = new ObjectsOnApi(objects.api, 'shop');
    await objects.apply([{ objects: [{ object: configMap('of-cluster', {}) }] }]);
    await shop.apply([{ objects: [{ object: configMap('of-shop', {}) }] }]);
    const { changes } = await shop.apply([]);
    expect(lines(changes)).toEqual(['delete ConfigMap default/of-shop: it is no longer wanted']);
    expect(await objects.api.kubectl('get', 'configmaps', '-o', 'name')).toBe(
      'configmap/of-cluster\n',
    );
    await objects.apply([]);
  });

  it('sets taints one by one, beside those of Kubernetes itself', async () => {
    const node = (metadata: object, taints: readonly object[]) => [
      {
        objects: [
          {
            ownership: 'partial',
            object: {
              apiVersion: 'v1',
              kind: 'Node',
              metadata: { name: 'n', ...metadata },
              spec: { taints },
            },
          },
        ],
      },
    ];
    await objects.byHand('create', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' } });
    const taints = async (): Promise<string> =>
      objects.api.kubectl(
        'get',
        'node',
        'n',
        '-o',
        'jsonpath={range .spec.taints[*]}{.key}={.value}:{.effect} {end}',
      );
    const own = await taints();
    expect(own).toBe('node.kubernetes.io/not-ready=:NoSchedule ');
    const gpu = { key: 'gpu', value: 'yes', effect: 'NoSchedule' };
    const { changes } = await objects.apply(
      node({ labels: { disk: 'nvme' } }, [gpu, { key: 'slow', effect: 'NoExecute' }]),
    );
    expect(changes[0]).toEqual({
      subject: 'Node n (taints)',
      action: 'update',
      before: 'none',
      after: 'gpu=yes:NoSchedule, slow:NoExecute',
    });
    const { changes: less } = await objects.apply(node({}, [{ ...gpu, value: 'no' }]));
    expect(less.map(({ before, after }) => `${before} → ${after}`)[0]).toBe(
      'gpu=yes:NoSchedule, slow:NoExecute → gpu=no:NoSchedule',
    );
    expect(diffOf(less, 'Node n')).toContain('-    disk: nvme');
    expect((await taints()).split(' ').toSorted().join(' ').trim()).toBe(
      `gpu=no:NoSchedule ${own.trim()}`,
    );
    await objects.apply(node({}, []));
    expect(await taints()).toBe(own);
    await objects.apply([]);
  });

  it('shows no value of a Secret, and sends the secret of the inventory', async () => {
    const value = 'tø"p \\ $ecret\n';
    objects.secrets.set('BGP', value);
    const secret = (stringData: object) => [
      {
        objects: [
          {
            object: {
              apiVersion: 'v1',
              kind: 'Secret',
              metadata: { name: 'bgp', namespace: 'default' },
              type: 'kubernetes.io/basic-auth',
              stringData,
            },
          },
        ],
      },
    ];
    const wanted = secret({ password: '⟦secret:env:BGP⟧', username: 'plain-text' });
    const { changes } = await objects.apply(wanted);
    expect(diffOf(changes, 'Secret default/bgp').slice(-3)).toEqual([
      '+data:',
      '+  password: ⟦secret-base64:env:BGP⟧',
      '+  username: ⟦not shown⟧',
    ]);
    const { data } = (await objects.get('secret', 'bgp')) as { data: Record<string, string> };
    expect(Buffer.from(data['password'] ?? '', 'base64').toString('utf8')).toBe(value);
    objects.secrets.set('BGP', 'another one');
    const again = await objects.observe(wanted);
    expect(diffOf(again.changes, 'Secret default/bgp')).toEqual([
      '-  password: ⟦value 1, not shown⟧',
      '+  password: ⟦value 3, not shown⟧',
    ]);
    expect(JSON.stringify([again.changes, again.observed])).not.toContain(data['password']);
    await objects.apply([]);
  });

  it('refuses what the server does not take, with its words and where it comes from', async () => {
    const wrong = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'wrong', namespace: 'default' },
      spec: { ports: [{ port: 99_999 }] },
    };
    const unknown = { ...configMap('unknown', {}), extra: true };
    const groups = [
      {
        objects: [
          { object: configMap('one', {}) },
          { object: wrong },
          { object: configMap('two', {}) },
          { object: unknown },
        ],
      },
    ];
    const { changes, converge } = await objects.observe(groups);
    expect(changes.map(({ action, subject }) => `${action} ${subject}`).slice(0, 4)).toEqual([
      'create ConfigMap default/one',
      'refuse Service default/wrong',
      'create ConfigMap default/two',
      'refuse ConfigMap default/unknown',
    ]);
    expect(changes[1]).toMatchObject({
      why: expect.stringContaining('must be between 1 and 65535') as string,
      fix: `mend what it comes from: ${site}`,
    });
    expect(changes[3]?.why).toContain('.extra: field not declared in schema');
    // Had the server taken it when it was planned: the one to blame is named, the others are made.
    const output = await converge();
    expect(output.code).toBe(1);
    expect(output.stderr).toMatch(/^Service default\/wrong, from site\.yaml:3:1: [^]*65535/m);
    expect(output.stderr).toMatch(
      /^ConfigMap default\/unknown, from site\.yaml:3:1: .*not declared/m,
    );
    expect(await objects.api.kubectl('get', 'configmaps', '-o', 'name')).toBe(
      'configmap/one\nconfigmap/two\n',
    );
    // What was begun is known: the next run goes on from it, and deletes what is not wanted.
    const { changes: left } = await objects.apply([
      { objects: [{ object: configMap('one', {}) }] },
    ]);
    expect(lines(left)).toEqual(['delete ConfigMap default/two: it is no longer wanted']);
    await objects.apply([]);
  });

  it('says what cannot be compared while a webhook does not answer, and waits for it', async () => {
    const webhook = {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name: 'strict' },
      webhooks: [
        {
          name: 'strict.example.org',
          clientConfig: { service: { name: 'nobody', namespace: 'default' } },
          rules: [
            { apiGroups: [''], apiVersions: ['v1'], operations: ['*'], resources: ['configmaps'] },
          ],
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'default' } },
          sideEffects: 'None',
          admissionReviewVersions: ['v1'],
        },
      ],
    };
    await objects.byHand('create', webhook);
    const groups = [{ objects: [{ object: configMap('one', {}) }] }];
    const { changes, converge } = await objects.observe(groups);
    expect(lines(changes)).toEqual([
      expect.stringMatching(
        /^create ConfigMap default\/one: cannot be compared yet: .*failed calling webhook/,
      ),
    ]);
    const [{ code, stdout }] = await Promise.all([
      converge(),
      sleep(3000).then(() =>
        objects.api.kubectl('delete', 'validatingwebhookconfiguration', 'strict'),
      ),
    ]);
    expect(code).toBe(0);
    // Once, however often it is tried.
    expect(stdout.split('waiting until the pods of a webhook answer, for 1')).toHaveLength(2);
    expect(stdout).toMatch(/failed calling webhook[^]*\nno longer waiting: the webhook answers\n/);
    expect(stdout).toContain('configmap/one serverside-applied\n');
    await objects.apply([]);
  });

  it('waits for what is named, says so, and what was not reached', async () => {
    const groups = (jsonpath: string) => [
      {
        objects: [{ object: configMap('state', { phase: 'up' }) }],
        waits: [{ resource: 'configmap/state', namespace: 'default', jsonpath, seconds: 2 }],
      },
      { objects: [{ object: configMap('after', { jsonpath }) }] },
    ];
    const { stdout } = await objects.apply(groups('{.data.phase}=up'));
    expect(stdout).toContain('waiting until configmap/state is {.data.phase}=up, 2 s at most\n');
    // Nothing of the first group changes: but what comes after it still waits for it.
    const { converge } = await objects.observe(groups('{.data.phase}=down'));
    const output = await converge();
    expect(output.code).toBe(1);
    expect(output.stderr).toContain('configmap/state was not {.data.phase}=down within 2 s\n');
    expect(output.stdout).not.toContain('configmap/after');
    await objects.apply([]);
  });

  it('tells a cluster that is not there yet from one that does not answer', async () => {
    const groups = [{ name: 'one', objects: [{ object: configMap('one', {}), origin: site }] }];
    const at = async (kubeconfig: string) => {
      const desired = objectsKind.schema.parse({ name: 'cluster', groups, kubeconfig });
      const output = await runFragment('dash', objectsKind.probe(desired), {
        env: objects.api.env,
      });
      return { desired, output };
    };
    const none = await at('/nowhere/admin.conf');
    expect(none.output).toMatchObject({ code: 0, stdout: '== none\n' });
    const changes = objectsKind.diff(none.desired, objectsKind.parse(none.output, none.desired));
    expect(lines(changes)).toEqual(['create ConfigMap default/one']);
    const { kubectl, kubeconfig } = objects.api;
    await kubectl('config', 'set-credentials', 'admin', '--token=of-somebody-else');
    const stranger = await at(kubeconfig);
    expect(stranger.output.code).not.toBe(0);
    expect(stranger.output.stderr).toMatch(/Unauthorized|must be logged in/);
    await kubectl('config', 'set-cluster', 'test', '--server=https://127.0.0.1:1');
    const silent = await at(kubeconfig);
    expect(silent.output.code).not.toBe(0);
    expect(silent.output.stderr).toContain('127.0.0.1:1');
  });
});

/** YAML puts quotes around words that other readers take for a truth value. */
function quoteYes(line: string): string {
  return line.replace('yes', '"yes"');
}
