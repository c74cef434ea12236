import { existsSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createConnector } from '@skerry/executor';
import { selectHosts } from '@skerry/inventory';
import { command, sh, type Check, type OutsideAnswer, type Verification } from '@skerry/steps';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { endpointOf } from '../../executor/test/endpoint.ts';
import { play, runbook, verifyCluster, type ChecksOutcome, type RunEvent } from '../src/index.ts';
import { runEvent } from '../src/index.ts';
import type { VerifyRequest } from '../src/index.ts';
import { read, startHosts, type LoopbackHosts } from './loopback-hosts.ts';

let hosts: LoopbackHosts;
beforeEach(async () => {
  hosts = await startHosts(['a', 'b', 'c']);
});
afterEach(() => hosts.stop());

/** What `read` said: the lines of /srv/set-up on the host that stands for the API. */
interface View {
  readonly lines: readonly string[];
  readonly failure: string | undefined;
}

const counts: Check<View> = {
  id: 'counts',
  title: 'Every node counts',
  on: 'nodes',
  looksAt: 'its own number',
  fragment: (_view, host) => sh('echo "$1 of $(hostname | wc -l)"', host),
  judge: (_view, answers) => ({
    status: 'passed',
    looked: [...answers]
      .map(([host, { stdout }]) => `${host}: ${stdout.trim()}`)
      .toSorted()
      .join(', '),
  }),
};

const wants = (id: string, file: string, settles?: number): Check<View> => ({
  id,
  title: `${file} is there`,
  on: 'nodes',
  looksAt: file,
  ...(settles === undefined ? {} : { settles }),
  fragment: () => sh('[ -e "$1" ]', file),
  judge: (_view, answers) => {
    const without = [...answers].filter(([, { code }]) => code !== 0).map(([host]) => host);
    const looked = `${answers.size} nodes`;
    return without.length === 0
      ? { status: 'passed', looked }
      : {
          status: 'failed',
          looked,
          findings: [{ what: `${without.toSorted().join(', ')}: no ${file}` }],
        };
  },
});

const skipped: Check<View> = {
  ...counts,
  id: 'skipped',
  skip: () => 'nothing of it is here',
};

function verification(
  checks: readonly Check<View>[],
  more: Partial<Verification<View>> = {},
): Verification<View> {
  return {
    api: ['a'],
    nodes: ['a', 'b', 'c'],
    controlPlanes: ['a'],
    setUp: sh('rm -f /srv/gone; echo made >/srv/set-up'),
    deadline: 60,
    tearDown: sh('rm -f /srv/set-up; echo gone >/srv/gone'),
    read: sh('cat /srv/set-up'),
    patience: 0,
    parse: ({ stdout }, failure) => ({ lines: stdout.trim().split('\n'), failure }),
    checks,
    ...more,
  };
}

async function verify(
  asked: Verification<View>,
  options: Partial<VerifyRequest> = {},
): Promise<ChecksOutcome & { events: RunEvent[]; status: (id: string) => string | undefined }> {
  const events: RunEvent[] = [];
  const connector = createConnector({ secrets: hosts.secrets });
  try {
    const outcome = await verifyCluster({
      verification: asked,
      inventory: hosts.inventory,
      hosts: selectHosts(hosts.inventory, 'all'),
      forks: 10,
      connector,
      endpointOf: (host) => endpointOf(hosts.sshd, { name: host.name, address: host.address }),
      secrets: hosts.secrets,
      signal: new AbortController().signal,
      emit: (event) => {
        events.push(runEvent.parse(event));
      },
      ...options,
    });
    const status = (id: string): string | undefined =>
      outcome.reports.find((report) => report.id === id)?.verdict.status;
    return { ...outcome, events, status };
  } finally {
    await connector.close();
  }
}

it('asks every host by one exec, tells each check by an event, and takes the set-up away', async () => {
  const before = hosts.sshd.sessions();
  const outcome = await verify(verification([counts, wants('passwd', '/etc/passwd'), skipped]));
  expect(hosts.sshd.sessions() - before).toBe(3);
  expect(outcome.exitCode).toBe(0);
  expect(outcome.events.map(({ type }) => type)).toEqual([
    'verification-started',
    'waiting',
    'verification-round',
    ...Array.from({ length: 5 }, () => 'check-finished'),
    'verification-finished',
  ]);
  expect(outcome.reports.map(({ id, verdict }) => [id, verdict.status])).toEqual([
    ['hosts-answer', 'passed'],
    ['api-answers', 'passed'],
    ['counts', 'passed'],
    ['passwd', 'passed'],
    ['skipped', 'skipped'],
  ]);
  // All of them are told before the first one is asked.
  const checks = outcome.reports.map(({ id, title }) => ({ id, title }));
  expect(outcome.events[0]).toMatchObject({ type: 'verification-started', checks });
  expect(outcome.reports[2]?.verdict).toHaveProperty('looked', 'a: a of 1, b: b of 1, c: c of 1');
  expect(read(hosts.at('a', 'srv/gone'))).toBe('gone\n');
  expect(existsSync(hosts.at('a', 'srv/set-up'))).toBe(false);
  expect(existsSync(hosts.at('b', 'srv/gone'))).toBe(false);
});

it('a failed check is exit code 3, and the set-up is gone all the same', async () => {
  const outcome = await verify(verification([wants('missing', '/srv/never')]));
  expect(outcome.exitCode).toBe(3);
  expect(outcome.events).toContainEqual(
    expect.objectContaining({
      type: 'check-finished',
      check: 'missing',
      status: 'failed',
      findings: [{ what: 'a, b, c: no /srv/never' }],
    }),
  );
  expect(outcome.events.at(-1)).toMatchObject({ passed: 2, failed: 1, skipped: 0 });
  expect(read(hosts.at('a', 'srv/gone'))).toBe('gone\n');
});

it('looks at the hosts of --limit only, and still asks the API', async () => {
  const outcome = await verify(verification([counts]), {
    hosts: selectHosts(hosts.inventory, 'b'),
  });
  expect(outcome.reports.find(({ id }) => id === 'counts')?.verdict).toHaveProperty(
    'looked',
    'b: b of 1',
  );
});

it('what may settle is asked again, alone, until it has', async () => {
  // The first look at it makes it, on two of the three hosts at once.
  const slow: Check<View> = {
    ...wants('slow', '/srv/slow', 30),
    fragment: (_view, host) => sh('[ -e /srv/slow ] || { touch /srv/slow; [ "$1" = c ]; }', host),
  };
  const outcome = await verify(verification([counts, slow, wants('never', '/srv/never')]));
  const rounds = outcome.events.filter((event) => event.type === 'verification-round');
  expect(rounds.map(({ checks }) => checks)).toEqual([['counts', 'slow', 'never'], ['slow']]);
  expect([outcome.status('slow'), outcome.status('never')]).toEqual(['passed', 'failed']);
});

describe('where the cluster cannot be read', () => {
  it('asks again for a while', async () => {
    const read = sh('[ -e /srv/asked ] || { touch /srv/asked; exit 1; }; cat /srv/set-up');
    const outcome = await verify(verification([counts], { read, patience: 30 }));
    expect(outcome.exitCode).toBe(0);
    expect(outcome.status('counts')).toBe('passed');
  });

  it('says why, and that nothing else was looked at', async () => {
    const read = sh('echo "The connection to the server was refused" >&2; exit 1');
    const outcome = await verify(verification([counts], { read }));
    expect(outcome.exitCode).toBe(3);
    expect(outcome.reports.find(({ id }) => id === 'api-answers')?.verdict).toMatchObject({
      status: 'failed',
      findings: [{ why: 'The connection to the server was refused' }],
    });
    expect(outcome.status('counts')).toBe('skipped');
    expect(existsSync(hosts.at('a', 'srv/gone'))).toBe(true);
  });

  it('goes to the next control plane where the first is not there', async () => {
    const gone = { name: 'a', address: '127.0.1.1', port: 1 };
    const outcome = await verify(verification([counts], { api: ['a', 'b'] }), {
      endpointOf: (host) =>
        endpointOf(
          hosts.sshd,
          host.name === 'a' ? gone : { name: host.name, address: host.address },
        ),
    });
    expect(outcome.status('api-answers')).toBe('passed');
    expect(outcome.reports.find(({ id }) => id === 'hosts-answer')?.verdict).toMatchObject({
      status: 'failed',
      findings: [{ what: expect.stringContaining('a:') }],
    });
    expect(outcome.reports.find(({ id }) => id === 'counts')?.verdict).toHaveProperty(
      'looked',
      'b: b of 1, c: c of 1',
    );
    expect(outcome.exitCode).toBe(3);
    expect(existsSync(hosts.at('b', 'srv/gone'))).toBe(true);
  });

  it('a set-up that fails is told to the checks, which run', async () => {
    const setUp = sh('echo made >/srv/set-up; echo "quota exceeded" >&2; exit 1');
    const tells: Check<View> = {
      ...counts,
      judge: ({ failure }) => ({ status: 'skipped', reason: failure ?? '' }),
    };
    const outcome = await verify(verification([tells], { setUp }));
    expect(outcome.reports.at(-1)?.verdict).toEqual({
      status: 'skipped',
      reason: 'quota exceeded',
    });
  });

  it('an answer that is not understood is a finding', async () => {
    const parse = (): View => {
      throw new SyntaxError('Unexpected end of JSON input');
    };
    const outcome = await verify(verification([counts], { parse }));
    expect(outcome.reports.find(({ id }) => id === 'api-answers')?.verdict).toMatchObject({
      status: 'failed',
      findings: [{ why: 'SyntaxError: Unexpected end of JSON input' }],
    });
  });
});

it('Ctrl-C ends it at once, and takes the set-up away by a new connection', async () => {
  const stop = new AbortController();
  const setUp = sh('echo made >/srv/set-up; sleep 30');
  const running = verify(verification([counts], { setUp }), { signal: stop.signal });
  await vi.waitFor(() => expect(existsSync(hosts.at('a', 'srv/set-up'))).toBe(true), 20_000);
  const stopped = performance.now();
  stop.abort();
  const outcome = await running;
  expect(performance.now() - stopped).toBeLessThan(15_000);
  expect(outcome.exitCode).toBe(1);
  expect(outcome.status('api-answers')).toBe('skipped');
  expect(outcome.status('counts')).toBe('skipped');
  expect(read(hosts.at('a', 'srv/gone'))).toBe('gone\n');
});

it('two at the same time are one too many: the second is told who holds the lock', async () => {
  // The first holds the lock until the second has been told, at most for half a minute.
  const setUp = sh(`echo made >/srv/set-up; echo held >/srv/held
tries=0
until [ -e /srv/told ] || [ "$tries" -ge 300 ]; do tries=$((tries + 1)); sleep 0.1; done`);
  const first = verify(verification([counts], { setUp }));
  await vi.waitFor(() => expect(existsSync(hosts.at('a', 'srv/held'))).toBe(true), 20_000);
  const outcome = await verify(verification([counts]));
  writeFileSync(hosts.at('a', 'srv/told'), '');
  expect((await first).exitCode).toBe(0);
  expect(outcome.exitCode).toBe(6);
  expect(outcome.reports.find(({ id }) => id === 'api-answers')?.verdict).toMatchObject({
    status: 'failed',
    findings: [{ what: expect.stringContaining('another run holds the lock') }],
  });
});

it('a tear-down that fails is a warning that says how to do it', async () => {
  const tearDown = sh('echo "connection refused" >&2; exit 1');
  const outcome = await verify(verification([counts], { tearDown }));
  expect(outcome.exitCode).toBe(0);
  expect(outcome.events).toContainEqual(
    expect.objectContaining({
      type: 'warning',
      code: 'verification-left',
      fix: expect.stringContaining('kubectl delete namespace skerry-verify'),
    }),
  );
});

describe('from the operator’s machine', () => {
  let server: Server;
  let port = 0;
  beforeEach(async () => {
    server = createServer((_request, response) => response.end('{"node":"n"}'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  });
  afterEach(() => new Promise((resolve) => server.close(resolve)));

  it('asks by HTTP, and tells what answered and what refused', async () => {
    let told: readonly OutsideAnswer[] = [];
    const outside: Check<View> = {
      id: 'outside',
      title: 'From outside',
      on: 'operator',
      looksAt: 'HTTP',
      calls: () => [
        { address: '127.0.0.1', port },
        { address: '127.0.0.1', port: 1 },
      ],
      judge: (_view, _answers, calls) => {
        told = calls;
        return { status: 'passed', looked: `${calls.length} calls` };
      },
    };
    const outcome = await verify(verification([outside]));
    expect(outcome.status('outside')).toBe('passed');
    expect(told).toEqual([
      expect.objectContaining({ result: 'answered', text: '{"node":"n"}' }),
      expect.objectContaining({ result: 'refused' }),
    ]);
  });
});

describe('at the end of an apply', () => {
  const changes = runbook({
    name: 'changes',
    description: 'One change',
    plays: [
      play('Change', { hosts: 'all' }, () => [
        command('x', { run: 'touch /srv/x', creates: '/srv/x' }),
      ]),
    ],
  });

  it('is looked at after a change, its pods made while hosts are probed again; not where nothing changed', async () => {
    const asked = verification([counts, wants('never', '/srv/never')]);
    const first = await hosts.run(changes, { verification: asked });
    expect(first.exitCode).toBe(3);
    // The host whose API is asked works on both, by an exec for each.
    expect(first.execs).toBe(4);
    const order = first.events.map(({ type }) => type);
    expect(order.indexOf('waiting')).toBeGreaterThan(0);
    expect(order.indexOf('waiting')).toBeLessThan(order.indexOf('host-verified'));
    expect(order.indexOf('host-verified')).toBeLessThan(order.indexOf('verification-started'));
    expect(existsSync(hosts.at('a', 'srv/set-up'))).toBe(false);
    expect(first.events.at(-1)).toMatchObject({
      type: 'run-finished',
      verified: true,
      checks: { passed: 3, failed: 1, skipped: 0 },
    });
    const second = await hosts.run(changes, { verification: asked });
    expect(second.exitCode).toBe(0);
    expect(second.events.some(({ type }) => type === 'verification-started')).toBe(false);
  });

  it('is not looked at where the second look finds a change, and what was set up is gone', async () => {
    const restless = runbook({
      name: 'restless',
      description: 'A change that does not hold',
      plays: [
        play('Change', { hosts: 'all' }, () => [
          command('x', { run: 'touch /srv/y', creates: '/srv/never' }),
        ]),
      ],
    });
    const outcome = await hosts.run(restless, { verification: verification([counts]) });
    expect(outcome.exitCode).toBe(3);
    expect(outcome.events.some(({ type }) => type === 'verification-started')).toBe(false);
    expect(existsSync(hosts.at('a', 'srv/gone'))).toBe(true);
    expect(existsSync(hosts.at('a', 'srv/set-up'))).toBe(false);
  });

  it('a plan looks at nothing', async () => {
    const outcome = await hosts.run(changes, {
      mode: 'plan',
      verification: verification([counts]),
    });
    expect(outcome.events.some(({ type }) => type === 'verification-started')).toBe(false);
    writeFileSync(hosts.at('a', 'srv/x'), '');
  });
});
