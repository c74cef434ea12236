import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { setUpFragment } from '../../packages/kubernetes/src/verification/set-up.ts';
import { runFragment } from '../../packages/steps/test/harness/run-fragment.ts';
import { builtPrograms, startApiServer, type ApiServer } from './api-server.ts';
import { ObjectsOnApi } from './objects-on-api.ts';

const programs = await builtPrograms();

/** Seconds. */
const patience = 120;

const workload = {
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { name: 'probe', namespace: 'skerry-verify' },
  spec: {
    selector: { matchLabels: { app: 'probe' } },
    template: {
      metadata: { labels: { app: 'probe' } },
      spec: {
        // Nobody would take the pod of a lost node away: as the probe pods have it.
        tolerations: [{ operator: 'Exists' }],
        containers: [{ name: 'probe', image: 'probe' }],
      },
    },
  },
};
const objects = [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'skerry-verify' } },
  workload,
];

describe.skipIf(programs === undefined)('probe pods, on a real control plane', () => {
  let api: ApiServer;
  beforeAll(async () => {
    if (programs === undefined) return;
    api = await startApiServer(programs, { silentSeconds: 6 });
  });
  afterAll(async () => {
    await api?.[Symbol.asyncDispose]();
  });

  const patch = (what: readonly string[], status: object): Promise<string> =>
    api.kubectl(
      'patch',
      ...what,
      '--subresource=status',
      '--type=merge',
      '-p',
      JSON.stringify({ status }),
    );

  /** What a kubelet says of its node and of the pod there. */
  async function beat(node: string): Promise<void> {
    const now = new Date().toISOString();
    await patch(['node', node], {
      allocatable: { cpu: '1', memory: '1Gi', pods: '10' },
      conditions: [
        { type: 'Ready', status: 'True', reason: 'KubeletReady', lastHeartbeatTime: now },
      ],
    });
    const pods = await api.kubectl(
      ...'get pods -n skerry-verify -o name --field-selector'.split(' '),
      `spec.nodeName=${node}`,
    );
    for (const pod of pods.split('\n').filter((name) => name !== '')) {
      await patch([pod, '-n', 'skerry-verify'], {
        phase: 'Running',
        conditions: [{ type: 'Ready', status: 'True' }],
      });
    }
  }

  /** The set-up, with kubelets of these nodes that speak meanwhile; how long it took, in seconds. */
  async function setUp(speaking: readonly string[]): Promise<number> {
    const begun = performance.now();
    const done = new AbortController();
    const kubelets = (async () => {
      while (!done.signal.aborted) {
        for (const node of speaking) await beat(node);
        await sleep(1000);
      }
    })();
    const { code: script, ...fragment } = setUpFragment(objects, patience);
    const code = script
      .replaceAll('/etc/kubernetes/admin.conf', api.kubeconfig)
      .replaceAll('/run/skerry/verification', `${api.kubeconfig}.marker`);
    const output = await runFragment('dash', { ...fragment, code }, { env: api.env });
    done.abort();
    await kubelets;
    expect(output).toMatchObject({ code: 0, stderr: '' });
    return (performance.now() - begun) / 1000;
  }

  it('are not waited for on a node that is lost, also a second time', async () => {
    for (const name of ['well', 'lost']) {
      const node = { apiVersion: 'v1', kind: 'Node', metadata: { name } };
      await new ObjectsOnApi(api).byHand('create', node);
    }
    await beat('lost');
    await expect
      .poll(
        () =>
          api.kubectl(
            ...'get node lost -o'.split(' '),
            'jsonpath={.status.conditions[?(@.type=="Ready")].status}',
          ),
        { timeout: 60_000, interval: 1000 },
      )
      .toBe('Unknown');
    expect(await setUp(['well'])).toBeLessThan(patience / 2);
    const ready = await api.kubectl(
      ...'get pods -n skerry-verify -o'.split(' '),
      String.raw`jsonpath={range .items[*]}{.spec.nodeName} {.status.conditions[?(@.type=="Ready")].status}{"\n"}{end}`,
    );
    expect(ready.trim().split('\n').toSorted()).toEqual([
      expect.stringMatching(/^lost ?/),
      'well True',
    ]);
    // Its pod there ends only by force.
    expect(await setUp(['well'])).toBeLessThan(patience);
  });
});
