import { alongsideFile, command, sh, type Fragment, type Step, type StepKind } from '@skerry/steps';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { play, runbook, type RunEvent, type Runbook } from '../src/index.ts';
import { read, startHosts, type LoopbackHosts } from './loopback-hosts.ts';

let hosts: LoopbackHosts;
beforeEach(async () => {
  hosts = await startHosts(['a', 'b', 'c']);
});
afterEach(() => hosts.stop());

const schema = z.strictObject({});

/** Writes what host a makes into /srv/joined. */
const joinKind: StepKind<z.infer<typeof schema>, boolean> = {
  kind: 'join',
  schema,
  summary: () => 'join',
  probe: () => sh('[ ! -e /srv/joined ] || echo joined'),
  parse: ({ stdout }) => stdout !== '',
  diff: (_, joined) => (joined ? [] : [{ subject: 'join', action: 'create' }]),
  converge: (): Fragment =>
    sh('printf %s "$1" >/srv/joined', {
      readOn: ['a'],
      fragment: sh('echo asked >/srv/asked; echo a-token'),
    }),
};
const join: Step = { kind: joinKind, name: '', desired: {}, options: {} };

/** Ends once `path` is there, and not before; fails after so many seconds. */
const until = (name: string, path: string, seconds: number): Step =>
  command(name, {
    run: 'n=0; until [ -e "$1" ]; do [ "$n" -lt "$2" ] || exit 9; n=$((n + 1)); sleep 1; done; : >"$3"',
    args: [path, `${seconds}`, `/srv/${name}`],
    creates: `/srv/${name}`,
  });

const side = (waiting: Step, ...alongside: readonly string[]): Runbook =>
  runbook({
    name: 'side',
    description: 'A play that waits for what the one before it does',
    plays: [
      play('Join', { hosts: 'b:c' }, () => [join]),
      ...alongside.map((name) => play(name, { hosts: name, alongside: 'Join' }, () => [waiting])),
      play('After', { hosts: 'a' }, () => [until('after', '/srv/asked', 0)]),
    ],
  });

test('plays alongside each other run at the same time, and a host at work still makes values', async () => {
  // It would fail after ten seconds, were it not that b and c ask for the value meanwhile.
  const { exitCode, events } = await hosts.run(side(until('waited', '/srv/asked', 10), 'a'));
  expect(exitCode).toBe(0);
  expect(read(hosts.at('b', 'srv/joined'))).toBe('a-token');
  const started = events.filter(({ type }) => type === 'play-started');
  expect(started.map((event) => 'play' in event && event.play)).toEqual(['Join', 'a', 'After']);
  const at = (type: RunEvent['type'], step: string): number =>
    events.findIndex((event) => event.type === type && 'step' in event && event.step === step);
  expect(at('step-started', 'command waited')).toBeLessThan(at('step-finished', 'join'));
  expect(at('step-finished', 'command waited')).toBeLessThan(at('step-started', 'command after'));
});

test('a step alongside is told by a file as long as the first play goes on', async () => {
  const watching = command('watching', {
    run: '[ -e "$1" ] || exit 8; n=0; while [ -e "$1" ]; do [ "$n" -lt 10 ] || exit 9; n=$((n + 1)); sleep 1; done; : >"$2"',
    args: [alongsideFile, '/srv/watched'],
    creates: '/srv/watched',
  });
  expect((await hosts.run(side(watching, 'a'))).exitCode).toBe(0);
});

test('a host in several of them goes through each by a shell of its own', async () => {
  const both = side(until('waited', '/srv/joined', 10), 'b');
  const { exitCode, hosts: recap } = await hosts.run(both);
  expect(exitCode).toBe(0);
  const execs = new Map(recap.map((one) => [one.host, one.execs]));
  // One for the step beside the other one.
  expect(execs.get('b')).toBe((execs.get('c') ?? 0) + 1);
});

test('once a host has failed they run one after the other', async () => {
  const early = runbook({
    name: 'early',
    description: 'A host fails before',
    plays: [
      play('Early', { hosts: 'c' }, () => [until('early', '/srv/never', 0)]),
      ...side(until('waited', '/srv/asked', 0), 'a').plays,
    ],
  });
  const { exitCode, hosts: recap } = await hosts.run(early);
  expect(exitCode).toBe(3);
  expect(recap.map(({ host, outcome }) => [host, outcome])).toEqual([
    ['a', 'changed'],
    ['b', 'changed'],
    ['c', 'failed'],
  ]);
});
