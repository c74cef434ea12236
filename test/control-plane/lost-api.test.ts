import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { builtPrograms, startApiServer } from './api-server.ts';
import { configMap, lines, ObjectsOnApi, type Group } from './objects-on-api.ts';

const programs = await builtPrograms();

describe.skipIf(programs === undefined)('an API that is lost while objects are applied', () => {
  let objects: ObjectsOnApi;
  beforeAll(async () => {
    if (programs !== undefined) objects = new ObjectsOnApi(await startApiServer(programs));
  });
  // After a failure it may be dead still, and part of the objects there.
  beforeEach(async () => {
    await objects.api.restart();
    await objects.apply([]);
  });
  afterAll(async () => {
    await objects?.api[Symbol.asyncDispose]();
  });

  /** Two groups, the second one after a wait of the first. */
  const groups = (phase: string): Group[] => [
    {
      objects: [{ object: configMap('first', { phase: 'up' }) }],
      waits: [
        {
          resource: 'configmap/first',
          namespace: 'default',
          jsonpath: `{.data.phase}=${phase}`,
          seconds: 30,
        },
      ],
    },
    { objects: [{ object: configMap('second', {}) }] },
  ];

  it('ends the run with what was lost, and the next run goes on where it ended', async () => {
    const { converge } = await objects.observe(groups('never'));
    const begin = performance.now();
    const running = converge();
    await expect
      .poll(() => objects.api.kubectl('get', 'configmaps', '-o', 'name'), { timeout: 30_000 })
      .toContain('configmap/first');
    await objects.api.stop();
    const output = await running;
    expect(output.code).toBe(1);
    // A kubectl that watched already goes on by itself, so whether it was begun again is not told here.
    expect(output.stderr).toMatch(/127\.0\.0\.1:\d+ was refused/);
    expect(output.stderr).toContain('configmap/first was not {.data.phase}=never within 30 s');
    expect(performance.now() - begin).toBeGreaterThan(25_000);

    await objects.api.restart();
    const { changes } = await objects.apply(groups('up'));
    expect(lines(changes)).toEqual(['create ConfigMap default/second']);
    const again = await objects.observe(groups('up'));
    expect(lines(again.changes)).toEqual([]);
  });

  /** What the host prints of changes that are begun while the API is dead, and is back after a while. */
  async function applyBlindly(
    wanted: readonly Group[],
    subjects: readonly string[],
  ): Promise<string> {
    const { changes, converge } = await objects.observe(wanted);
    expect(lines(changes)).toEqual(subjects);
    await objects.api.stop();
    const running = converge();
    await sleep(3000);
    await objects.api.restart();
    const output = await running;
    expect(output.stderr).toBe('');
    expect(output.code).toBe(0);
    const again = await objects.observe(wanted);
    expect(lines(again.changes)).toEqual([]);
    return output.stdout;
  }

  it('is waited for where it comes back: the run goes on by itself', async () => {
    const subjects = ['first', 'second'].map((name) => `create ConfigMap default/${name}`);
    const told = await applyBlindly(groups('up'), subjects);
    expect(told).toMatch(/trying again for 1\d\d s at most: .*127\.0\.0\.1/);
  });

  it('does not end a wait that it comes back for', async () => {
    const { converge } = await objects.observe(groups('later'));
    const running = converge();
    await expect
      .poll(() => objects.api.kubectl('get', 'configmaps', '-o', 'name'), { timeout: 30_000 })
      .toContain('configmap/first');
    await objects.api.stop();
    await objects.api.restart();
    const patch = '{"data":{"phase":"later"}}';
    await objects.api.kubectl('patch', 'configmap', 'first', '-p', patch);
    const output = await running;
    expect(output.stderr).toBe('');
    expect(output.code).toBe(0);
    expect(await objects.api.kubectl('get', 'configmap', 'second', '-o', 'name')).toBe(
      'configmap/second\n',
    );
  });

  it('does not make what somebody else has made look as if it were not there', async () => {
    await objects.byHand('apply', configMap('theirs', { mine: 'a', theirs: 'b' }));
    const object = configMap('theirs', { mine: 'c' });
    const wanted = [{ objects: [{ object, ownership: 'partial' }] }];
    const told = await applyBlindly(wanted, ['update ConfigMap default/theirs']);
    expect(told).not.toContain('it is not there');
    const { data } = await objects.get('configmap', 'theirs');
    expect(data).toEqual({ mine: 'c', theirs: 'b' });
    await objects.api.kubectl('delete', 'configmap', 'theirs');
  });

  it('does not end what deletes', async () => {
    await objects.apply(groups('up'));
    const why = 'it is no longer wanted';
    const subjects = ['first', 'second'].map((name) => `delete ConfigMap default/${name}: ${why}`);
    await applyBlindly([], subjects);
    expect(await objects.api.kubectl('get', 'configmaps', '-o', 'name')).not.toContain('/first');
  });

  it('is no refusal of any object: a probe waits for it', async () => {
    await objects.apply(groups('up'));
    await objects.api.stop();
    const observing = objects.observe(groups('up'));
    await sleep(3000);
    await objects.api.restart();
    const { changes } = await observing;
    expect(lines(changes)).toEqual([]);
  });
});
