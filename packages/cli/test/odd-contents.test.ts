import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import {
  encodePlanFile,
  planFileText,
  play,
  readPlanFile,
  runbook,
  type SavedPlan,
} from '@skerry/runbook';
import { file } from '@skerry/steps';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startHosts, type LoopbackHosts } from '../../runbook/test/loopback-hosts.ts';
import { inputOf, testKey } from '../../runbook/test/plan-file-input.ts';
import { planHtml } from '../src/render/saved/html.ts';
import { planJson } from '../src/render/saved/json.ts';
import { planJunit } from '../src/render/saved/junit.ts';
import { planMarkdown } from '../src/render/saved/markdown.ts';
import { planReport } from '../src/render/saved/report.ts';
import { eventLines } from './command.ts';

const large = (word: string): string =>
  Array.from({ length: 180_000 }, (_, line) => `${word} ${line} of a large file`).join('\n');

/** What is on the host, and what is wanted; each by the name of its file. */
const contents = {
  binary: [Buffer.from([0, 0xff, 2]), { base64: Buffer.from([0, 0xff, 3]).toString('base64') }],
  latin: [Buffer.from('caf\u00e9\n', 'latin1'), 'café\n'],
  toBinary: [Buffer.from('text\n'), { base64: Buffer.from([0xfe, 0]).toString('base64') }],
  crlf: [Buffer.from('one\r\ntwo\r\n'), 'one\ntwo\n'],
  toCrlf: [Buffer.from('one\ntwo\n'), 'one\r\ntwo\r\n'],
  cut: [Buffer.from('last'), 'last\n'],
  toCut: [Buffer.from('last\n'), 'last'],
  large: [Buffer.from(large('old')), large('new')],
  hidden: [Buffer.from('before\n'), 'never shown\n'],
} as const;
const names = Object.keys(contents) as (keyof typeof contents)[];

const book = runbook({
  name: 'odd',
  description: 'Contents that are no plain text',
  plays: [
    play('Files', { hosts: 'all' }, () =>
      names.map((name) =>
        file(`/srv/${name}`, { content: contents[name][1], sensitive: name === 'hidden' }),
      ),
    ),
  ],
});

let hosts: LoopbackHosts;
beforeAll(async () => {
  hosts = await startHosts(['a']);
  mkdirSync(hosts.at('a', 'srv'), { recursive: true });
  for (const name of names) writeFileSync(hosts.at('a', `srv/${name}`), contents[name][0]);
});
afterAll(() => hosts.stop());

async function plan(): Promise<SavedPlan> {
  const { plan: made, observations, hosts: recap } = await hosts.run(book, { mode: 'plan' });
  expect(recap.flatMap(({ failure }) => failure ?? [])).toEqual([]);
  return readPlanFile(planFileText(encodePlanFile(inputOf(made, observations))), 'plan.json');
}

test('binary files, invalid UTF-8, CRLF, no newline at the end and 10 MB: planned, shown, applied', async () => {
  const saved = await plan();
  const steps = saved.plan.hosts[0]?.plays[0]?.steps ?? [];
  const told = new Map(steps.map(({ id, changes }) => [id, changes[0]]));
  expect(steps).toHaveLength(names.length);
  expect(told.get('file /srv/crlf')?.diff).toContain('-one\r\n-two\r\n+one\n+two');
  expect(told.get('file /srv/cut')?.diff).toContain('\\ No newline at end of file');
  for (const name of ['binary', 'latin', 'toBinary', 'hidden']) {
    expect(told.get(`file /srv/${name}`)?.diff).toBeUndefined();
  }

  const report = planReport(saved);
  expect(Buffer.byteLength(planMarkdown(report))).toBeLessThanOrEqual(65_536);
  expect(planHtml(report).length).toBeLessThan(1_000_000);
  expect(eventLines(planJson(report))).toHaveLength(1);
  // XML 1.0 has no other control characters.
  expect(planJunit(report)).toMatch(/^[\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]*$/u);

  // Files of which nothing is shown are watched, too.
  const unseen = ['binary', 'latin', 'large', 'hidden'] as const;
  for (const name of unseen) {
    const bytes = Buffer.from(contents[name][0]);
    bytes.writeUInt8(bytes.readUInt8(0) ^ 1, 0);
    writeFileSync(hosts.at('a', `srv/${name}`), bytes);
  }
  await expect(hosts.run(book, { saved: { ...saved, key: testKey } })).rejects.toMatchObject({
    diagnostics: unseen.map((name) => ({
      code: 'host-moved',
      at: { host: 'a', step: `Files › file /srv/${name}` },
    })),
  });
  for (const name of unseen) writeFileSync(hosts.at('a', `srv/${name}`), contents[name][0]);

  const { exitCode } = await hosts.run(book, { saved: { ...saved, key: testKey } });
  expect(exitCode).toBe(0);
  for (const name of names) {
    const wanted = contents[name][1];
    const bytes =
      typeof wanted === 'string' ? Buffer.from(wanted) : Buffer.from(wanted.base64, 'base64');
    expect(readFileSync(hosts.at('a', `srv/${name}`)).equals(bytes), name).toBe(true);
  }
  expect((await plan()).plan.hosts[0]?.plays[0]?.steps ?? []).toEqual([]);
}, 120_000);
