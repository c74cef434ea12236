import { selectHosts } from '@skerry/inventory';
import { file } from '@skerry/steps';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { play, runbook } from '../src/index.ts';
import { lines, startHosts, type LoopbackHosts } from './loopback-hosts.ts';

let hosts: LoopbackHosts;
beforeAll(async () => {
  hosts = await startHosts(['a', 'b']);
});
afterAll(() => hosts.stop());

const tagged = runbook({
  name: 'tagged',
  description: '',
  plays: [
    play('First', { hosts: 'a', tags: ['play-tag'] }, () => [
      file('/srv/tagged', { content: 'x', tags: ['step-tag'] }),
      file('/srv/plain', { content: 'x' }),
    ]),
  ],
});

test('a tag that nothing has is an error with the nearest one, not "as desired"', async () => {
  await expect(hosts.run(tagged, { tags: ['step-tga', 'play-tag'] })).rejects.toMatchObject({
    exitCode: 1,
    diagnostics: [{ code: 'unknown-tag', fix: expect.stringContaining('"step-tag"') as unknown }],
  });
  // A step that the other tag leaves out has it all the same.
  const { plan } = await hosts.run(tagged, { mode: 'plan', tags: ['step-tag'] });
  expect(lines(plan)).toEqual(['a file /srv/tagged [exact]: /srv/tagged']);
});

test('a step with a wrong option is an error of the runbook, with the nearest name', async () => {
  const options: object = { content: 'x', ownr: 'root' };
  const wrong = runbook({
    name: 'wrong',
    description: '',
    plays: [
      play('P', { hosts: 'all' }, () => [file('/srv/x', options as Parameters<typeof file>[1])]),
    ],
  });
  await expect(hosts.run(wrong)).rejects.toMatchObject({
    exitCode: 1,
    diagnostics: [
      {
        code: 'bad-step',
        what: 'file has no option "ownr"',
        fix: 'did you mean "owner"?',
        at: { step: 'P › file /srv/x' },
      },
    ],
  });
});

test('what hosts said of themselves can refuse the run before anything is changed', async () => {
  let seen: string[] = [];
  const unfit = {
    code: 'unfit',
    severity: 'error',
    what: 'a is unfit',
    at: { host: 'a' },
  } as const;
  await expect(
    hosts.run(tagged, {
      examine: (facts) => {
        seen = [...facts].map(([name, { kernel }]) => `${name} ${kernel}`);
        return [unfit];
      },
    }),
  ).rejects.toMatchObject({ exitCode: 1, diagnostics: [unfit] });
  expect(seen).toEqual([expect.stringMatching(/^a \d+\./)]);
  // A warning refuses nothing, and nothing was changed before.
  const { plan } = await hosts.run(tagged, {
    mode: 'plan',
    examine: () => [{ ...unfit, severity: 'warning' }],
  });
  expect(lines(plan)).toHaveLength(2);
});

test('hosts that no play is for are an error that names the plays', async () => {
  await expect(
    hosts.run(tagged, { hosts: selectHosts(hosts.inventory, 'b') }),
  ).rejects.toMatchObject({
    exitCode: 1,
    diagnostics: [{ code: 'no-hosts', why: 'play "First" is for a' }],
  });
});
