import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { command, file, handler } from '@skerry/steps';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  play,
  runbook,
  type Plan,
  type PlayOptions,
  type RunEvent,
  type Runbook,
} from '../src/index.ts';
import { lines, read, startHosts, type LoopbackHosts } from './loopback-hosts.ts';

let hosts: LoopbackHosts;
beforeEach(async () => {
  hosts = await startHosts(['a', 'b', 'c']);
});
afterEach(() => hosts.stop());

/** Runs again while the shell of a lost connection still holds the lock. */
async function unlocked<T extends { exitCode: number }>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    const outcome = await work();
    if (outcome.exitCode !== 6) return outcome;
    await sleep(50);
  }
}

const mark = handler('mark', 'echo ran >>/srv/handled');

const simple = runbook({
  name: 'simple',
  description: 'Two files and a handler',
  plays: [
    play('Files', { hosts: 'all' }, ({ host }) => [
      file('/srv/name', { content: `${host.name}\n`, notify: mark }),
      file('/srv/other', { content: 'same\n', notify: mark }),
    ]),
  ],
});

describe('a run', () => {
  test('plan shows the changes and makes none; apply makes them; then nothing is left', async () => {
    const planned = await hosts.run(simple, { mode: 'plan' });
    expect(lines(planned.plan).slice(0, 3)).toEqual([
      'a file /srv/name [exact]: /srv/name',
      'a file /srv/other [exact]: /srv/other',
      'a handler mark',
    ]);
    expect(planned.exitCode).toBe(0);
    for (const host of ['a', 'b', 'c']) expect(readdirSync(hosts.at(host, 'srv'))).toEqual([]);

    const applied = await hosts.run(simple);
    expect(applied.exitCode).toBe(0);
    expect(applied.hosts.map(({ outcome }) => outcome)).toEqual(['changed', 'changed', 'changed']);
    expect(read(hosts.at('b', 'srv/name'))).toBe('b\n');
    expect(read(hosts.at('b', 'srv/handled'))).toBe('ran\n');
    expect(readdirSync(hosts.at('b', 'lib/pending'))).toEqual([]);
    expect(applied.events.at(-1)).toMatchObject({ type: 'run-finished', verified: true });

    const again = await hosts.run(simple);
    expect(lines(again.plan)).toEqual([]);
    expect(again.hosts.map(({ outcome }) => outcome)).toEqual([
      'converged',
      'converged',
      'converged',
    ]);
  });

  test('a converged host costs one exec and one script', async () => {
    await hosts.run(simple);
    hosts.sent.length = 0;
    const { execs, hosts: recap } = await hosts.run(simple);
    expect(execs).toBe(3);
    expect(recap.map((host) => host.execs)).toEqual([1, 1, 1]);
    expect(hosts.sent.map(({ host }) => host).toSorted()).toEqual(['a', 'b', 'c']);
  });

  test('facts that changed since the last run are found out, and the plays are expanded again', async () => {
    const byKernel = runbook({
      name: 'by-kernel',
      description: 'A file that depends on a fact',
      plays: [
        play('Files', { hosts: 'all' }, ({ host }) => [
          file('/srv/kernel', { content: host.facts.kernel }),
        ]),
      ],
    });
    await hosts.run(byKernel);
    for (const name of ['a', 'b', 'c']) {
      const cache = `${hosts.stateFolder}/facts/${name}.json`;
      writeFileSync(cache, read(cache).replace(/"kernel":"[^"]*"/, '"kernel":"1.0"'));
    }
    const again = await hosts.run(byKernel);
    expect(lines(again.plan)).toEqual([]);
    expect(again.execs).toBe(3);
  });

  test('a plan that went through JSON sends the same bytes, and they are those of the plan', async () => {
    let plan: Plan | undefined;
    hosts.sent.length = 0;
    await hosts.run(simple, {
      approve: (shown) => {
        plan = JSON.parse(JSON.stringify(shown)) as Plan;
        return Promise.resolve(plan);
      },
    });
    const steps = plan?.hosts.flatMap((host) => host.plays).flatMap((each) => each.steps) ?? [];
    expect(steps).toHaveLength(6);
    for (const { converge } of steps) {
      const words = [converge.code, ...converge.args].filter((word) => typeof word === 'string');
      const carrying = hosts.sent.filter(({ script }) =>
        words.every((word) => script.includes(word.replaceAll("'", `'\\''`))),
      );
      expect(carrying.length).toBeGreaterThan(0);
    }
  });
});

const policy = (serial?: number, maxFailPercentage?: number): PlayOptions => ({
  hosts: 'all',
  ...(serial === undefined ? {} : { serial }),
  ...(maxFailPercentage === undefined ? {} : { maxFailPercentage }),
});

describe('failures', () => {
  const failing = (serial?: number, maxFailPercentage?: number): Runbook =>
    runbook({
      name: 'failing',
      description: 'Fails on b until it is mended',
      plays: [
        play('First', policy(serial, maxFailPercentage), () => [
          file('/srv/before', { content: 'x', notify: mark }),
          command('risky', {
            run: 'if [ -e /srv/broken ]; then echo "no luck" >&2; exit 7; fi; : >/srv/done',
            creates: '/srv/done',
          }),
          file('/srv/after', { content: 'x' }),
        ]),
        play('Second', { hosts: 'all' }, () => [file('/srv/second', { content: 'x' })]),
      ],
    });

  const breakHost = (host: string): void => {
    mkdirSync(hosts.at(host, 'srv'), { recursive: true });
    writeFileSync(hosts.at(host, 'srv/broken'), '');
  };
  const mend = (host: string): void => {
    execFileSync('rm', [hosts.at(host, 'srv/broken')]);
  };

  test('the host stops there and says why; the others go on; the next run finishes', async () => {
    breakHost('b');
    const first = await hosts.run(failing());
    expect(first.exitCode).toBe(3);
    expect(first.hosts.map(({ outcome }) => outcome)).toEqual(['changed', 'failed', 'changed']);
    expect(first.hosts[1]?.failure).toMatchObject({
      code: 'step-failed',
      step: 'First › command risky',
      why: 'no luck',
    });
    expect(first.hosts.map(({ due }) => due)).toEqual([undefined, ['mark'], undefined]);
    expect(existsSync(hosts.at('b', 'srv/after'))).toBe(false);
    expect(existsSync(hosts.at('b', 'srv/second'))).toBe(false);
    expect(existsSync(hosts.at('c', 'srv/second'))).toBe(true);
    expect(read(hosts.at('c', 'srv/handled'))).toBe('ran\n');

    expect(readdirSync(hosts.at('b', 'lib/pending'))).toEqual(['mark']);
    mend('b');
    const second = await hosts.run(failing());
    expect(lines(second.plan)).toContain('b handler mark (leftover)');
    expect(second.exitCode).toBe(0);
    expect(second.hosts[1]).not.toHaveProperty('due');
    expect(read(hosts.at('b', 'srv/handled'))).toBe('ran\n');
    expect(existsSync(hosts.at('b', 'srv/second'))).toBe(true);
  });

  test('with serial, nothing more is started after a failure', async () => {
    breakHost('b');
    const { exitCode, events } = await hosts.run(failing(1));
    expect(exitCode).toBe(3);
    expect(existsSync(hosts.at('a', 'srv/after'))).toBe(true);
    expect(existsSync(hosts.at('c', 'srv/before'))).toBe(false);
    expect(existsSync(hosts.at('a', 'srv/second'))).toBe(false);
    expect(events.filter(({ type }) => type === 'warning')).toMatchObject([
      { code: 'play-halted' },
    ]);
  });

  test('up to maxFailPercentage the next batches and plays go on; above it nothing does', async () => {
    breakHost('b');
    const tolerated = await hosts.run(failing(1, 34));
    expect(tolerated.exitCode).toBe(3);
    for (const host of ['a', 'c']) expect(existsSync(hosts.at(host, 'srv/second'))).toBe(true);
    expect(tolerated.events.filter(({ type }) => type === 'warning')).toEqual([]);

    for (const path of ['srv/done', 'srv/second']) execFileSync('rm', [hosts.at('c', path)]);
    const halted = await hosts.run(failing(1, 33));
    expect(halted.exitCode).toBe(3);
    expect(existsSync(hosts.at('c', 'srv/done'))).toBe(false);
    expect(existsSync(hosts.at('c', 'srv/second'))).toBe(false);
  });

  test('a connection lost in a change is an unknown outcome, and the next run converges', async () => {
    const slow = runbook({
      name: 'slow',
      description: 'Its shell dies in the middle',
      plays: [
        play('Slow', { hosts: 'a' }, () => [
          file('/srv/first', { content: 'x', notify: mark }),
          command('slow', {
            run: ': >/srv/begun; while [ ! -e /srv/go ]; do sleep 0.05; done; exit 1',
            creates: '/srv/slow',
          }),
        ]),
      ],
    });
    const running = hosts.run(slow);
    while (!existsSync(hosts.at('a', 'srv/begun'))) await sleep(20);
    execFileSync('pkill', ['-9', '-P', String(hosts.sshd.pid)]);
    const { exitCode, hosts: recap } = await running;
    expect(exitCode).toBe(4);
    expect(recap[0]).toMatchObject({
      outcome: 'unknown',
      failure: { code: 'step-lost' },
      due: ['mark'],
    });
    // What was running on the host still runs, and holds the lock until it ends.
    expect((await hosts.run(slow)).exitCode).toBe(6);
    writeFileSync(hosts.at('a', 'srv/go'), '');
    writeFileSync(hosts.at('a', 'srv/slow'), '');
    const next = await unlocked(() => hosts.run(slow));
    expect(lines(next.plan)).toContain('a handler mark (leftover)');
    expect(next.exitCode).toBe(0);
    expect(read(hosts.at('a', 'srv/handled'))).toBe('ran\n');
  });

  test('a step that never converges is named, and the run fails', async () => {
    const never = runbook({
      name: 'never',
      description: 'Writes a file and takes it away again',
      plays: [
        play('Never', { hosts: 'a' }, () => [
          file('/srv/good', { content: 'x' }),
          command('never', { run: ':', creates: '/srv/not-there' }),
        ]),
      ],
    });
    const { exitCode, hosts: recap } = await hosts.run(never);
    expect(exitCode).toBe(3);
    expect(recap[0]?.failure?.what).toContain('command never');
    expect(recap[0]?.failure?.what).not.toContain('/srv/good');
  });
});

test('a fault of the program in the middle ends with a recap of all hosts, and is then thrown', async () => {
  const two = runbook({
    name: 'two',
    description: 'Two plays on three hosts',
    plays: ['First', 'Second'].map((name) =>
      play(name, { hosts: 'all' }, () => [file(`/srv/${name}`, { content: 'x' })]),
    ),
  });
  const events: RunEvent[] = [];
  const emit = (event: RunEvent): void => {
    events.push(event);
    if (event.type === 'step-finished' && event.host === 'b') throw new TypeError('no such thing');
  };
  await expect(hosts.run(two, { emit })).rejects.toMatchObject({
    name: 'FaultError',
    exitCode: 4,
    cause: { name: 'TypeError' },
  });
  const last = events.at(-1);
  expect(last).toMatchObject({ type: 'run-finished', exitCode: 4, verified: false });
  expect(last?.type === 'run-finished' && last.hosts).toMatchObject([
    { host: 'a', outcome: 'changed' },
    { host: 'b', outcome: 'unknown', failure: { code: 'internal', why: 'no such thing' } },
    { host: 'c', outcome: 'changed' },
  ]);
  expect(existsSync(hosts.at('a', 'srv/Second'))).toBe(false);
});

describe('the lock', () => {
  const holding = runbook({
    name: 'holding',
    description: 'Holds the lock for a while',
    plays: [
      play('Hold', { hosts: 'a' }, () => [
        command('hold', {
          run: ': >/srv/held; while [ ! -e /srv/go ]; do sleep 0.05; done; : >/srv/end',
          creates: '/srv/end',
        }),
      ]),
    ],
  });

  test('a second apply is refused with the name of the owner; a plan is not', async () => {
    const first = hosts.run(holding);
    while (!existsSync(hosts.at('a', 'srv/held'))) await sleep(20);
    const second = await hosts.run(holding);
    expect(second.exitCode).toBe(6);
    expect(second.hosts[0]).toMatchObject({ outcome: 'locked' });
    expect(second.hosts[0]?.failure?.what).toContain(`process ${process.pid}`);
    const plan = await hosts.run(holding, { mode: 'plan' });
    expect(plan.exitCode).toBe(0);
    writeFileSync(hosts.at('a', 'srv/go'), '');
    expect((await first).exitCode).toBe(0);
    expect((await hosts.run(holding)).exitCode).toBe(0);
  });

  test('dies with the connection', async () => {
    const first = hosts.run(holding);
    while (!existsSync(hosts.at('a', 'srv/held'))) await sleep(20);
    execFileSync('pkill', ['-9', '-P', String(hosts.sshd.pid)]);
    expect((await first).exitCode).toBe(4);
    writeFileSync(hosts.at('a', 'srv/go'), '');
    while (!existsSync(hosts.at('a', 'srv/end'))) await sleep(20);
    expect((await unlocked(() => hosts.run(holding))).exitCode).toBe(0);
  });
});

describe('dependencies and interruption', () => {
  test('a step whose need changes is conditional, is probed again, and runs what is true then', async () => {
    const made = command('make', { run: 'echo made >/srv/file', creates: '/srv/file' });
    const dependent = runbook({
      name: 'dependent',
      description: 'The first step does the work of the second',
      plays: [
        play('Both', { hosts: 'a' }, () => [
          made,
          file('/srv/file', { content: 'made\n', needs: made }),
        ]),
      ],
    });
    const { plan, events, exitCode } = await hosts.run(dependent);
    expect(lines(plan)[1]).toBe('a file /srv/file [conditional]: /srv/file');
    const finished = events.filter((event) => event.type === 'step-finished');
    expect(finished.map(({ result }) => result)).toEqual(['changed', 'already']);
    expect(exitCode).toBe(0);
  });

  test('Ctrl-C lets the running step end, starts no other, and the next run goes on', async () => {
    const control = new AbortController();
    const { exitCode, hosts: recap } = await hosts.run(simple, {
      signal: control.signal,
      forks: 1,
      emit: (event) => {
        if (event.type === 'step-started') control.abort();
      },
    });
    expect(exitCode).toBe(1);
    expect(recap[0]).toMatchObject({ outcome: 'aborted', changed: 1 });
    expect(existsSync(hosts.at('a', 'srv/name'))).toBe(true);
    expect(existsSync(hosts.at('a', 'srv/other'))).toBe(false);
    const next = await hosts.run(simple);
    expect(next.exitCode).toBe(0);
    expect(read(hosts.at('a', 'srv/handled'))).toBe('ran\n');
  });

  test('when approval is refused nothing is changed', async () => {
    const { exitCode, hosts: recap } = await hosts.run(simple, {
      approve: () => Promise.resolve(false),
    });
    expect(exitCode).toBe(0);
    expect(recap.map(({ outcome }) => outcome)).toEqual(['skipped', 'skipped', 'skipped']);
    expect(readdirSync(hosts.at('a', 'srv'))).toEqual([]);
  });

  test('a secret is nowhere but on the host', async () => {
    hosts.secrets.add('⟦secret:env:TEST⟧', 'hunter2hunter2');
    const secret = runbook({
      name: 'secret',
      description: 'A file with a secret',
      plays: [
        play('Secret', { hosts: 'a' }, () => [
          file('/srv/secret', { content: 'password = ⟦secret:env:TEST⟧\n' }),
        ]),
      ],
    });
    const first = await hosts.run(secret);
    expect(read(hosts.at('a', 'srv/secret'))).toBe('password = hunter2hunter2\n');
    const second = await hosts.run(secret);
    expect(lines(second.plan)).toEqual([]);
    writeFileSync(hosts.at('a', 'srv/secret'), 'password = hunter2hunter2\nmore\n');
    const third = await hosts.run(secret, { mode: 'plan' });
    const told = JSON.stringify([first, second, third, hosts.sent]);
    expect(told).toContain('⟦secret:env:TEST⟧');
    expect(told).not.toContain('hunter2');
  });
});
