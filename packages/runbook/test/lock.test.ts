import type { Connector, Part, Session, Shell } from '@skerry/executor';
import { command, file, handler, type Fragment, type Step } from '@skerry/steps';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { play, runbook, type Plan } from '../src/index.ts';
import { takeLock } from '../src/lock.ts';
import { read, startHosts, type LoopbackHosts } from './loopback-hosts.ts';

let hosts: LoopbackHosts;
beforeAll(async () => {
  hosts = await startHosts(['a', 'b']);
});
afterAll(() => hosts.stop());

/** Every part that was sent, in order, with what its session held when it was. */
interface Sent {
  readonly host: string;
  readonly code: string;
  readonly locked: boolean;
}
const sent: Sent[] = [];
beforeEach(() => {
  sent.length = 0;
});

const lockCode = takeLock('').code;

/** A real connector that also notes what goes through it. */
function watched(connector: Connector): Connector {
  return {
    ...connector,
    connect: async (endpoint, options) => {
      const session = await connector.connect(endpoint, options);
      // Shells of this connection that took the lock and have not ended.
      const holding = new Set<Shell>();
      const openShell: Session['openShell'] = async (opening) => {
        const shell = await session.openShell(opening);
        const run: Shell['run'] = async (parts: readonly Part[], given) => {
          let locked = holding.size > 0;
          for (const { code, inShell, required } of parts) {
            if (code === lockCode) locked = inShell === true && required === true;
            sent.push({ host: endpoint.name, code, locked });
          }
          const result = await shell.run(parts, given);
          if (parts[0]?.code === lockCode && result.parts[0]?.code === 0) holding.add(shell);
          if (result.outcome !== 'exited') holding.delete(shell);
          return result;
        };
        return { run, close: () => shell.close() };
      };
      return {
        host: session.host,
        hostKey: session.hostKey,
        openShell,
        upload: (files, given) => session.upload(files, given),
        close: () => {
          holding.clear();
          return session.close();
        },
      };
    },
  };
}

// On the host itself: says whether anybody holds the lock while this runs.
const ask = (what: string): string =>
  `if flock -n /run/skerry/lock true; then echo "${what} free"; else echo "${what} held"; fi >>/srv/locks`;

const steps = (user: string): Step[] => [
  file(`/srv/file-${user}`, { content: 'x', notify: handler(`tell ${user}`, ask('handler')) }),
  command(`ask ${user}`, {
    run: `${ask('step')}; : >"$1"`,
    args: [`/srv/asked-${user}`],
    creates: `/srv/asked-${user}`,
  }),
];

const book = runbook({
  name: 'locks',
  description: 'Changes as root, as the login user, and by handlers',
  plays: [
    play('Root', { hosts: 'all' }, () => steps('root')),
    play('User', { hosts: 'all', become: false, serial: 1 }, () => steps('user')),
  ],
});

/** The scripts of a plan that change something. */
function mutating(plan: Plan): Fragment[] {
  return plan.hosts
    .flatMap(({ plays }) => plays)
    .flatMap((each) => [
      ...each.steps.map(({ converge }) => converge),
      ...each.handlers.map(({ fragment }) => fragment),
    ]);
}

test('every script that changes a host is sent on a connection that holds its lock', async () => {
  const { connector } = hosts.request(book);
  const { plan, exitCode } = await hosts.run(book, { connector: watched(connector) });
  expect(exitCode).toBe(0);
  const changes = mutating(plan);
  expect(changes).toHaveLength(12);
  for (const host of ['a', 'b']) {
    for (const { code } of changes) {
      const carrying = sent.filter((part) => part.host === host && part.code === code);
      expect(carrying.length).toBeGreaterThan(0);
      expect(carrying.filter(({ locked }) => !locked)).toEqual([]);
    }
    // The same as the host saw it.
    expect(read(hosts.at(host, 'srv/locks')).trim().split('\n')).toEqual([
      'step held',
      'handler held',
      'step held',
      'handler held',
    ]);
  }
  // Whatever else an apply sends comes under the lock as well: also what it reads.
  expect(sent.filter(({ locked }) => !locked)).toEqual([]);
});

test('a plan takes no lock and sends nothing that changes', async () => {
  const other = runbook({
    name: 'other',
    description: '',
    plays: [play('Other', { hosts: 'all' }, () => [file('/srv/other', { content: 'x' })])],
  });
  const { connector } = hosts.request(other);
  const { plan } = await hosts.run(other, { mode: 'plan', connector: watched(connector) });
  const codes = new Set(sent.map(({ code }) => code));
  expect(codes.size).toBeGreaterThan(0);
  expect(codes.has(lockCode)).toBe(false);
  expect(mutating(plan).filter(({ code }) => codes.has(code))).toEqual([]);
});

test('two names of one machine are told as such, and nothing is changed', async () => {
  const quick = runbook({
    name: 'quick',
    description: '',
    plays: [play('Quick', { hosts: 'all' }, () => [file('/srv/quick', { content: 'x' })])],
  });
  const { endpointOf } = hosts.request(quick);
  const [first] = hosts.inventory.hosts;
  if (first === undefined) throw new Error('no host');
  const both = await hosts.run(quick, { endpointOf: () => endpointOf(first) });
  expect(both.exitCode).toBe(3);
  const failed = both.hosts.find(({ outcome }) => outcome === 'failed');
  expect(failed?.failure).toMatchObject({
    code: 'same-machine',
    what: expect.stringMatching(/^\S+ and \S+ are the same machine$/) as unknown,
  });
  expect(both.hosts.find(({ outcome }) => outcome === 'skipped')?.failure).toMatchObject({
    code: 'not-started',
    why: expect.stringContaining(failed?.host ?? '?') as unknown,
  });
  expect(both.events.filter(({ type }) => type === 'step-started')).toEqual([]);
});
