import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DiagnosticError } from '@skerry/diagnostics';
import {
  artifactStore,
  sh,
  type Artifact,
  type ArtifactFile,
  type Step,
  type StepKind,
} from '@skerry/steps';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import {
  encodePlanFile,
  planFileText,
  play,
  runbook,
  type Plan,
  type Runbook,
} from '../src/index.ts';
import { readPlanFile } from '../src/plan-file/read.ts';
import type { RunRequest } from '../src/request.ts';
import { lines, read, startHosts, type LoopbackHosts } from './loopback-hosts.ts';
import { inputOf, testKey } from './plan-file-input.ts';

let hosts: LoopbackHosts;
let folder: string;
beforeEach(async () => {
  hosts = await startHosts(['a', 'b']);
  folder = mkdtempSync(join(tmpdir(), 'skerry-bundle-'));
});
afterEach(async () => {
  await hosts.stop();
  rmSync(folder, { recursive: true });
});

const schema = z.strictObject({ files: z.array(z.custom<ArtifactFile>()) });

/** Moves artifacts from the store to /srv. */
const takeKind: StepKind<z.infer<typeof schema>, readonly string[]> = {
  kind: 'take',
  schema,
  summary: ({ files }) => `${files.length} files`,
  probe: () => sh('ls /srv'),
  parse: ({ stdout }) => stdout.split('\n'),
  diff: ({ files }, there) =>
    files
      .filter(({ path }) => !there.includes(path))
      .map(({ path }) => ({ subject: path, action: 'create' })),
  converge: ({ files }) => ({
    ...sh(
      'store=$1; shift; while [ $# -gt 0 ]; do cat "$store/$1" >"/srv/$2" && rm "$store/$1"; shift 2; done',
      artifactStore,
      ...files.flatMap(({ sha256, path }) => [sha256, path]),
    ),
    artifacts: files,
  }),
};

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** Writes a file of the bundle; what the index says of it. */
function artifact(path: string, bytes: Buffer): Artifact {
  writeFileSync(join(folder, path), bytes);
  const about = { name: path, version: '1', origin: 'here', install: `/${path}`, mode: '0644' };
  return { kind: 'file', ...about, path, sha256: sha256(bytes), size: bytes.length };
}

const take = (artifacts: readonly Artifact[]): Runbook =>
  runbook({
    name: 'take',
    description: 'Artifacts in /srv',
    plays: [
      play('Take', { hosts: 'all' }, (): Step[] => [
        {
          kind: takeKind,
          name: 'files',
          desired: {
            files: artifacts.map(({ path, sha256: of, size }) => ({ path, sha256: of, size })),
          },
          options: {},
        },
      ]),
    ],
  });

const given = (artifacts: readonly Artifact[]): Partial<RunRequest> => ({
  bundle: { folder, index: { schema: 1, artifacts } },
});

const inStore = (host: string): string[] => readdirSync(hosts.at(host, 'lib/bundle'));

describe('artifacts of a bundle', () => {
  test('come to each host before the step that needs them, and are told of', async () => {
    const all = [artifact('one', randomBytes(2_000_000)), artifact('two', Buffer.from('2'))];
    const { exitCode, events, hosts: recap } = await hosts.run(take(all), given(all));
    expect(exitCode, JSON.stringify(recap)).toBe(0);
    for (const host of ['a', 'b']) {
      expect(sha256(Buffer.from(read(hosts.at(host, 'srv/two'))))).toBe(all[1]?.sha256);
      expect(readdirSync(hosts.at(host, 'srv'))).toEqual(['one', 'two']);
      expect(inStore(host)).toEqual([]);
    }
    const sending = events.filter((event) => event.type === 'sending' && event.host === 'a');
    expect(sending[0]).toEqual({
      type: 'sending',
      host: 'a',
      step: 'take files',
      path: 'one',
      file: 1,
      files: 2,
      sent: 0,
      total: 2_000_001,
    });
    expect(sending.at(-1)).toMatchObject({ path: 'two', file: 2, sent: 2_000_001 });
    // One for the shell, one for all files.
    expect(recap.map(({ execs }) => execs)).toEqual([2, 2]);
    const again = await hosts.run(take(all), given(all));
    expect(lines(again.plan)).toEqual([]);
    expect(again.execs).toBe(2);
  });

  test('that lie in the store or on a seed disk are not sent', async () => {
    const [one, two, three] = ['one', 'two', 'three'].map((name) =>
      artifact(name, Buffer.from(name)),
    ) as [Artifact, Artifact, Artifact];
    const all = [one, two, three];
    for (const host of ['a', 'b']) {
      mkdirSync(hosts.at(host, 'lib/bundle'), { recursive: true });
      mkdirSync(hosts.at(host, 'lib/seed'), { recursive: true });
      writeFileSync(hosts.at(host, `lib/bundle/${one.sha256}`), 'one');
      writeFileSync(hosts.at(host, `lib/seed/${two.sha256}`), 'two');
      // A seed disk that is gone, and what an upload that was cut off left.
      symlinkSync('/nowhere', hosts.at(host, `lib/bundle/${three.sha256}`));
      writeFileSync(hosts.at(host, 'lib/bundle/x.1.part'), 'thr');
    }
    const { exitCode, events, hosts: recaps } = await hosts.run(take(all), given(all));
    expect(exitCode, JSON.stringify(recaps)).toBe(0);
    const sent = events.flatMap((event) => (event.type === 'sending' ? [event.path] : []));
    expect([...new Set(sent)]).toEqual(['three']);
    expect(readdirSync(hosts.at('b', 'srv')).toSorted()).toEqual(['one', 'three', 'two']);
    expect(inStore('b')).toEqual([]);
    expect(readdirSync(hosts.at('b', 'lib/seed'))).toEqual([two.sha256]);
  });

  test('with another digest than the index says stop the host, and nothing is changed', async () => {
    const one = artifact('one', Buffer.from('one'));
    writeFileSync(join(folder, 'one'), 'ONE');
    const { exitCode, hosts: recap } = await hosts.run(take([one]), given([one]));
    expect(exitCode).toBe(3);
    expect(recap[0]).toMatchObject({
      outcome: 'failed',
      failure: {
        code: 'artifact-not-placed',
        what: 'one of the bundle could not be brought to the host',
        step: 'Take › take files',
        fix: `the bundle is not what its index says; look with: bootstrap bundle verify ${folder}`,
      },
    });
    expect(recap[0]?.failure?.why).toContain(`digest ${sha256(Buffer.from('ONE'))}`);
    expect([...readdirSync(hosts.at('a', 'srv')), ...inStore('a')]).toEqual([]);
  });
});

describe('before anything is changed', () => {
  async function refused(book: Runbook, options: Partial<RunRequest>): Promise<string[]> {
    try {
      await hosts.run(book, { ...options, approve: () => Promise.reject(new Error('asked')) });
    } catch (error) {
      if (!(error instanceof DiagnosticError)) throw error;
      return error.diagnostics.map(({ code, what }) => `${code}: ${what.replaceAll(folder, '…')}`);
    }
    throw new Error('it ran');
  }

  test('everything that is wrong with the bundle is told', async () => {
    const all = ['one', 'two', 'three'].map((name) => artifact(name, Buffer.from(name)));
    rmSync(join(folder, 'one'));
    writeFileSync(join(folder, 'two'), 't');
    expect(await refused(take(all), given(all.slice(0, 2)))).toEqual([
      'bundle-broken: …/one of the bundle cannot be read',
      'bundle-broken: …/two has 1 bytes, and bundle.json says 3',
      'other-bundle: the bundle in … does not have what the plan needs: three',
    ]);
    expect(await refused(take(all), {})).toEqual([
      'no-bundle: the plan needs 3 artifacts of a bundle, such as one, and this run has none',
    ]);
  });

  test('a saved plan is held to the digests that it was made with', async () => {
    const one = artifact('one', Buffer.from('one'));
    const { plan, observations } = await hosts.run(take([one]), { mode: 'plan', ...given([one]) });
    const file = encodePlanFile(inputOf(plan, observations, { secrets: hosts.secrets }));
    const saved = { ...readPlanFile(planFileText(file), 'plan.json'), key: testKey };
    expect(saved.plan).toEqual(JSON.parse(JSON.stringify(plan)) as Plan);
    const other = artifact('one', Buffer.from('other'));
    expect(await refused(take([one]), { saved, ...given([other]) })).toEqual([
      'other-bundle: the bundle in … does not have what the plan needs: one',
    ]);
    // The same bytes in another folder of the bundle will do.
    writeFileSync(join(folder, 'moved'), 'one');
    const moved = { ...one, path: 'moved' };
    const outcome = await hosts.run(take([one]), { saved, ...given([moved]) });
    expect(outcome.exitCode, JSON.stringify(outcome.hosts)).toBe(0);
    expect(read(hosts.at('a', 'srv/one'))).toBe('one');
  });
});

test('Ctrl-C during an upload stops before the step, and the next run sends the rest', async () => {
  const all = [artifact('one', Buffer.from('1')), artifact('two', randomBytes(30_000_000))];
  const abort = new AbortController();
  const stopped = await hosts.run(take(all), {
    ...given(all),
    signal: abort.signal,
    emit: (event) =>
      event.type === 'sending' && event.host === 'a' && event.file === 2 && abort.abort(),
  });
  expect(stopped.exitCode).toBe(1);
  expect(stopped.hosts.map(({ outcome }) => outcome)).toEqual(['aborted', 'aborted']);
  expect(readdirSync(hosts.at('a', 'srv'))).toEqual([]);
  await expect.poll(() => inStore('a').filter((name) => name.endsWith('.part'))).toEqual([]);
  const next = await hosts.run(take(all), given(all));
  expect(next.exitCode).toBe(0);
  const sent = next.events.flatMap((event) =>
    event.type === 'sending' && event.host === 'a' ? [event.path] : [],
  );
  expect([...new Set(sent)]).toEqual(['two']);
});
