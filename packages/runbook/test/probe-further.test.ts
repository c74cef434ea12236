import { file, sh, type Step, type StepKind } from '@skerry/steps';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { play, runbook, type Runbook } from '../src/index.ts';
import { lines, read, startHosts, type LoopbackHosts } from './loopback-hosts.ts';

let hosts: LoopbackHosts;
beforeEach(async () => {
  hosts = await startHosts(['a', 'b']);
});
afterEach(() => hosts.stop());

/** A file whose text counts only where it has another length than the wanted one, as the first look tells. */
const closelyKind: StepKind<{ path: string; text: string }, { size: number; text?: string }> = {
  kind: 'closely',
  schema: z.strictObject({ path: z.string(), text: z.string() }),
  summary: ({ path }) => path,
  probe: ({ path }) =>
    sh('echo asked >>/srv/log; printf "%s\\n" "$(wc -c 2>/dev/null <"$1")"', path),
  probeFurther: ({ path, text }, { size }) =>
    size === text.length ? undefined : sh('echo further >>/srv/log; cat "$1" || exit 3', path),
  parse: ({ stdout }) => {
    const [size = '', ...text] = stdout.split('\n');
    return { size: Number(size), ...(text.join('') === '' ? {} : { text: text.join('\n') }) };
  },
  diff: ({ path, text }, seen) =>
    seen.size === text.length
      ? []
      : [{ subject: path, action: 'update', before: String(seen.text), after: text }],
  converge: ({ path, text }) => sh('printf %s "$2" >"$1"', path, text),
};
const closely = (text: string, options: Step['options'] = {}): Step => ({
  kind: closelyKind,
  name: '',
  desired: { path: '/srv/text', text },
  options,
});
const once = (host: string, ...steps: readonly Step[]): Runbook =>
  runbook({ name: 'close', description: '', plays: [play('P', { hosts: host }, () => steps)] });
const log = (host: string): string[] => read(hosts.at(host, 'srv/log')).trim().split('\n');

test('what a first answer leaves open is asked in the same exec, and a converged host is not asked', async () => {
  await hosts.run(once('a', file('/srv/text', { content: 'one\n' })));
  const { plan, hosts: planned } = await hosts.run(once('a', closely('three\n')), { mode: 'plan' });
  expect(lines(plan)).toEqual(['a closely [exact]: /srv/text']);
  expect(plan.hosts[0]?.plays[0]?.steps[0]?.changes).toEqual([
    { subject: '/srv/text', action: 'update', before: 'one\n', after: 'three\n' },
  ]);
  expect(planned.map(({ execs }) => execs)).toEqual([1]);
  expect(log('a')).toEqual(['asked', 'further']);
  await hosts.run(once('a', closely('three\n')));
  // For the plan, and to see what came of it.
  expect(log('a').slice(2)).toEqual(['asked', 'further', 'asked']);
  await hosts.run(once('a', closely('three\n')));
  expect(log('a').slice(5)).toEqual(['asked']);
});

test('so it is after a step that it needs, and where it fails the state is unknown', async () => {
  const need = file('/srv/text', { content: 'made\n' });
  await hosts.run(once('b', need, closely('other text', { needs: need })));
  expect(read(hosts.at('b', 'srv/text'))).toBe('other text');
  expect(log('b').slice(-3)).toEqual(['asked', 'further', 'asked']);
  const outcome = await hosts.run(once('a', closely('nowhere')));
  expect(outcome.hosts[0]).toMatchObject({
    outcome: 'failed',
    failure: { code: 'probe-failed', what: 'cannot read the state of "closely"' },
  });
});
