import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { selectHosts } from '@skerry/inventory';
import { sh, type Fragment, type Step, type StepKind } from '@skerry/steps';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { play, runbook, type Plan, type RunEvent, type Runbook } from '../src/index.ts';
import { read, startHosts, type LoopbackHosts } from './loopback-hosts.ts';

let hosts: LoopbackHosts;
beforeEach(async () => {
  hosts = await startHosts(['a', 'b', 'c', 'd']);
});
afterEach(() => hosts.stop());

const schema = z.strictObject({ makers: z.array(z.string()), fails: z.boolean() });
type Desired = z.infer<typeof schema>;

/** Makes a new value at each call, and counts the calls on its host. */
const made = sh(
  'echo called >>/srv/calls; [ -e "/srv/$1" ] || { echo "no $1 here" >&2; exit 3; }; echo "token-$(head -c 8 /proc/sys/kernel/random/uuid)"',
  'seed',
);

/** Writes a value that another host makes into /srv/joined. */
const joinKind: StepKind<Desired, { joined: boolean }> = {
  kind: 'join',
  schema,
  summary: ({ makers }) => `join with a value of ${makers.join(' or ')}`,
  probe: () => sh('[ -e /srv/joined ] && echo joined; :'),
  parse: ({ stdout }) => ({ joined: stdout === 'joined\n' }),
  diff: (_, { joined }) => (joined ? [] : [{ subject: 'join', action: 'create' }]),
  converge: ({ makers, fails }): Fragment =>
    sh(
      'echo "given $1"; if [ "$2" = true ]; then echo "cannot use $1" >&2; exit 9; fi; printf %s "$1" >/srv/joined',
      { readOn: makers, fragment: made },
      String(fails),
    ),
};

const join = (makers: readonly string[], fails = false): Step => ({
  kind: joinKind,
  name: '',
  desired: { makers, fails },
  options: {},
});

const joining = (makers: readonly string[], on = 'all', fails = false): Runbook =>
  runbook({
    name: 'joining',
    description: 'Hosts that need a value of another one',
    plays: [play('Join', { hosts: on }, () => [join(makers, fails)])],
  });

/** Lets a host make the value. */
function seed(host: string): void {
  mkdirSync(hosts.at(host, 'srv'), { recursive: true });
  writeFileSync(hosts.at(host, 'srv/seed'), '');
}

test('the first host that can makes one value for all, and nobody is shown it', async () => {
  seed('b');
  const log: string[] = [];
  const { exitCode, events, plan } = await hosts.run(joining(['a', 'b'], 'c:d'), {
    emit: (event: RunEvent) => log.push(JSON.stringify(event)),
  });
  expect(exitCode).toBe(0);
  const value = read(hosts.at('c', 'srv/joined'));
  expect(value).toMatch(/^token-[0-9a-f]{8}$/);
  expect(read(hosts.at('d', 'srv/joined'))).toBe(value);
  expect(read(hosts.at('a', 'srv/calls'))).toBe('called\n');
  expect(read(hosts.at('b', 'srv/calls'))).toBe('called\n');
  expect(log.join('\n')).not.toContain(value);
  expect(JSON.stringify(hosts.sent)).not.toContain(value);
  expect(JSON.stringify(plan)).not.toContain(value);
  expect(events.filter(({ type }) => type === 'step-output')).toContainEqual(
    expect.objectContaining({
      text: expect.stringContaining('given ⟦secret:made-on:b:') as string,
    }),
  );
});

test('a plan that went through JSON asks for the value when it is applied', async () => {
  seed('a');
  const { exitCode } = await hosts.run(joining(['a'], 'b'), {
    approve: (plan) => Promise.resolve(JSON.parse(JSON.stringify(plan)) as Plan),
  });
  expect(exitCode).toBe(0);
  expect(read(hosts.at('b', 'srv/joined'))).toMatch(/^token-/);
});

test('a host beyond --limit is asked under its own lock, and let go at the end', async () => {
  seed('a');
  const limited = { hosts: selectHosts(hosts.inventory, 'd') };
  const { exitCode, execs, hosts: recap } = await hosts.run(joining(['a']), limited);
  expect(exitCode).toBe(0);
  expect(recap.map(({ host }) => host)).toEqual(['d']);
  expect(execs).toBe(2);
  const asked = hosts.sent.filter(({ host }) => host === 'a').map(({ script }) => script);
  expect(asked).toHaveLength(1);
  expect(asked[0]).toContain('flock -n 9');
  const again = await hosts.run(joining(['a'], 'a'), { hosts: selectHosts(hosts.inventory, 'a') });
  expect(again.exitCode).toBe(0);
});

test('a host whose lock another run holds gives nothing, and the message says who holds it', async () => {
  seed('a');
  let inner: Awaited<ReturnType<LoopbackHosts['run']>> | undefined;
  await hosts.run(joining(['a'], 'a'), {
    hosts: selectHosts(hosts.inventory, 'a'),
    approve: async () => {
      inner = await hosts.run(joining(['a'], 'd'), { hosts: selectHosts(hosts.inventory, 'd') });
      return false;
    },
  });
  expect(inner?.exitCode).toBe(3);
  const failure = inner?.hosts[0]?.failure;
  expect(failure).toMatchObject({ code: 'no-value', step: 'Join › join' });
  expect(failure?.why).toMatch(/^a: another run holds the lock of this host: .*process/);
  expect(existsSync(hosts.at('d', 'srv/joined'))).toBe(false);
});

test('where no host gives it, each is named with its reason, and the next run asks again', async () => {
  const first = await hosts.run(joining(['a', 'b'], 'c'));
  expect(first.exitCode).toBe(3);
  expect(first.hosts[0]?.failure).toMatchObject({
    code: 'no-value',
    what: expect.stringContaining('a or b') as string,
    why: 'a: it did not give the value, no seed here\nb: it did not give the value, no seed here',
    fix: expect.stringContaining('run apply again') as string,
  });
  seed('b');
  expect((await hosts.run(joining(['a', 'b'], 'c'))).exitCode).toBe(0);
});

test('the value is concealed in the reason of a failure, too', async () => {
  seed('a');
  const { exitCode, hosts: recap } = await hosts.run(joining(['a'], 'b', true));
  expect(exitCode).toBe(3);
  expect(recap[0]?.failure?.why).toMatch(/^cannot use ⟦secret:made-on:a:\d+⟧$/);
});

test('facts that an apply changed are remembered for the next run', async () => {
  const cache = `${hosts.stateFolder}/facts/b.json`;
  seed('a');
  await hosts.run(joining(['a'], 'b'), { mode: 'plan' });
  writeFileSync(cache, readFileSync(cache, 'utf8').replace(/"kernel":"[^"]*"/, '"kernel":"1.0"'));
  const applied = await hosts.run(joining(['a'], 'b'), {
    approve: (plan) => {
      writeFileSync(cache, 'torn');
      return Promise.resolve(plan);
    },
  });
  expect(applied.exitCode).toBe(0);
  expect(readFileSync(cache, 'utf8')).toMatch(/"kernel":"\d+\.\d+\.[^"]+"/);
});
