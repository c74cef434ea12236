import { file, sh, type StepKind } from '@skerry/steps';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { play, runbook, type Runbook } from '../src/index.ts';
import { lines, read, startHosts, type LoopbackHosts } from './loopback-hosts.ts';

let hosts: LoopbackHosts;
beforeEach(async () => {
  hosts = await startHosts(['a', 'b']);
});
afterEach(() => hosts.stop());

test('a step that is foreseen is not probed again, and runs as it was planned', async () => {
  const probes = '/srv/probes';
  const seen: StepKind<{ foreseen: boolean }, string> = {
    kind: 'seen',
    schema: z.strictObject({ foreseen: z.boolean() }),
    summary: () => 'seen',
    probe: () => sh('echo probed >>"$1"; [ ! -e /srv/seen ] || cat /srv/seen', probes),
    parse: ({ stdout }) => stdout,
    diff: (_, now) => (now === '' ? [{ subject: 'seen', action: 'create' }] : []),
    converge: () => sh('grep -c probed "$1" >/srv/seen', probes),
    foresees: ({ foreseen }) => foreseen,
  };
  const need = file('/srv/need', { content: '' });
  const once = (foreseen: boolean): Runbook =>
    runbook({
      name: 'foreseen',
      description: '',
      plays: [
        play('P', { hosts: foreseen ? 'a' : 'b' }, () => [
          need,
          { kind: seen, name: '', desired: { foreseen }, options: { needs: need } },
        ]),
      ],
    });
  const { plan } = await hosts.run(once(true));
  expect(lines(plan)[1]).toBe('a seen [conditional]: seen');
  expect(read(hosts.at('a', 'srv/seen'))).toBe('1\n');
  await hosts.run(once(false));
  expect(read(hosts.at('b', 'srv/seen'))).toBe('2\n');
});
