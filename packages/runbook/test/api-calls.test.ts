import { sh, type Step, type StepKind } from '@skerry/steps';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { play, runbook } from '../src/index.ts';
import { read, startHosts, type LoopbackHosts } from './loopback-hosts.ts';

let hosts: LoopbackHosts;
beforeEach(async () => {
  hosts = await startHosts(['a']);
});
afterEach(() => hosts.stop());

/** A file, of which the probe says how many times it asked an API. */
const askingKind: StepKind<{ path: string }, { there: boolean; calls: number }> = {
  kind: 'asking',
  schema: z.strictObject({ path: z.string() }),
  summary: ({ path }) => path,
  probe: ({ path }) => sh('if [ -e "$1" ]; then echo "there 2"; else echo "missing 5"; fi', path),
  parse: ({ stdout }) => {
    const [word, calls] = stdout.trim().split(' ');
    return { there: word === 'there', calls: Number(calls) };
  },
  diff: ({ path }, { there }) => (there ? [] : [{ subject: path, action: 'create' }]),
  converge: ({ path }) => sh(': >"$1"', path),
  apiCalls: ({ calls }) => calls,
};

test('the recap tells the calls of an API, where nothing else happened than asking', async () => {
  const step = (path: string): Step => ({
    kind: askingKind,
    name: path,
    desired: { path },
    options: {},
  });
  const asking = runbook({
    name: 'asking',
    description: '',
    plays: [play('Ask', { hosts: 'all' }, () => [step('/srv/one'), step('/srv/two')])],
  });
  const calls = async (mode: 'plan' | 'apply') =>
    (await hosts.run(asking, { mode })).hosts.map(({ apiCalls }) => apiCalls);
  expect(await calls('plan')).toEqual([10]);
  expect(await calls('apply')).toEqual([undefined]);
  expect(read(hosts.at('a', 'srv/one'))).toBe('');
  expect(await calls('apply')).toEqual([4]);
});
