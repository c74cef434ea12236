import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DiagnosticError } from '@skerry/diagnostics';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  checkFiles,
  openBundle,
  verifyBundle,
  writeImageArchive,
  writeLayer,
  type Artifact,
} from '../src/index.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'skerry-bundle-'));
  for (const name of ['files', 'images', 'charts']) mkdirSync(join(folder, name));
});
afterEach(() => rmSync(folder, { recursive: true }));

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

function program(name: string, content = `#!/bin/sh\necho ${name}\n`): Artifact {
  const path = `files/${name}`;
  const bytes = Buffer.from(content);
  writeFileSync(join(folder, path), bytes);
  const about = { version: '1.0', origin: 'https://example.no', install: `/usr/bin/${name}` };
  return {
    kind: 'file',
    name,
    ...about,
    mode: '0755',
    path,
    sha256: sha256(bytes),
    size: bytes.length,
  };
}

async function image(name: string): Promise<Artifact> {
  const path = `images/${name}.tar`;
  const reference = `registry.example.no/${name}:1`;
  const layer = join(folder, 'layer');
  await writeLayer(layer, [{ path: `/${name}`, mode: 0o755, text: name.repeat(100_000) }]);
  const settings = { reference, architecture: 'amd64', entrypoint: [`/${name}`] };
  const {
    sha256: of,
    size,
    digest,
  } = await writeImageArchive(join(folder, path), settings, [layer]);
  rmSync(layer);
  return {
    kind: 'image',
    name,
    version: '1',
    origin: reference,
    path,
    sha256: of,
    size,
    reference,
    digest,
  };
}

function index(artifacts: readonly unknown[]): void {
  writeFileSync(join(folder, 'bundle.json'), JSON.stringify({ schema: 1, artifacts }));
}

async function refusal(work: Promise<unknown>): Promise<string[]> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    for (const { fix } of error.diagnostics) expect(fix).toBeTruthy();
    return error.diagnostics.map(({ code, what }) => `${code}: ${what.replaceAll(folder, '…')}`);
  }
  throw new Error('nothing was wrong');
}

describe('verifyBundle', () => {
  test('finds nothing wrong with a good one', async () => {
    const artifacts = [program('one'), program('two'), await image('echo')];
    index(artifacts);
    const seen: string[] = [];
    const result = await verifyBundle(folder, { onArtifact: ({ name }) => seen.push(name) });
    expect(result.findings).toEqual([]);
    expect(result.bytes).toBe(artifacts.reduce((sum, { size }) => sum + size, 0));
    expect(seen.toSorted()).toEqual(['echo', 'one', 'two']);
    await checkFiles(await openBundle(folder));
  });

  test('finds all that is wrong in one run', async () => {
    const [digest, missing, short, long] = ['digest', 'missing', 'short', 'long'].map((name) =>
      program(name),
    ) as [Artifact, Artifact, Artifact, Artifact];
    const cut = await image('cut');
    const other = await image('other');
    index([digest, missing, short, long, cut, { ...other, digest: `sha256:${'0'.repeat(64)}` }]);
    writeFileSync(join(folder, digest.path), '#!/bin/sh\necho DIGEST\n');
    rmSync(join(folder, missing.path));
    truncateSync(join(folder, short.path), 5);
    writeFileSync(join(folder, long.path), 'x'.repeat(1000));
    truncateSync(join(folder, cut.path), cut.size - 10_000);
    writeFileSync(join(folder, 'files/stranger.partial'), '');
    const { findings } = await verifyBundle(folder);
    expect(findings.map(({ code, severity, what }) => `${severity} ${code}: ${what}`)).toEqual([
      'error bundle-digest: file digest 1.0 is not what was bundled: files/digest',
      'error bundle-file-missing: file missing 1.0 is missing: files/missing',
      'error bundle-truncated: file short 1.0 has 5 bytes, and bundle.json says 21: files/short',
      'error bundle-other: file long 1.0 has 1000 bytes, and bundle.json says 20: files/long',
      `error bundle-truncated: image registry.example.no/cut:1 has ${cut.size - 10_000} bytes, and bundle.json says ${cut.size}: images/cut.tar`,
      'error bundle-digest: image registry.example.no/other:1 holds another image: images/other.tar',
      'warning bundle-extra: files/stranger.partial is in the folder and not in bundle.json',
    ]);
    for (const { fix } of findings) expect(fix).toBeTruthy();
    // Without reading: what the sizes tell.
    expect(await refusal(checkFiles(await openBundle(folder)))).toHaveLength(4);
  });
});

describe('the index', () => {
  test.each([
    ['not there', undefined, ['bundle-missing: there is no bundle in …']],
    ['no JSON', '{', [expect.stringMatching(/^bundle-malformed: …\/bundle.json: no JSON: /)]],
    [
      'of another form',
      '{"schema":2}',
      [
        expect.stringMatching(/bundle.json: schema: /),
        expect.stringMatching(/bundle.json: artifacts: /),
      ],
    ],
  ])('%s', async (_, text, expected) => {
    if (text !== undefined) writeFileSync(join(folder, 'bundle.json'), text);
    expect(await refusal(openBundle(folder))).toEqual(expected);
  });

  test.each(['../../etc/passwd', '/etc/passwd', 'files/../../x', './x', 'a//b', 'files/', 'a\nb'])(
    'with the path %j is refused',
    async (path) => {
      index([{ ...program('one'), path }]);
      expect(await refusal(openBundle(folder))).toEqual([
        'bundle-malformed: …/bundle.json: artifacts[0] (one) path: a path that stays below the folder of the bundle',
      ]);
    },
  );

  test('with two contents under one name is refused', async () => {
    const one = program('one');
    index([
      one,
      { ...one, path: 'files/other' },
      { ...one, sha256: '0'.repeat(64), name: 'two', install: '/x' },
    ]);
    expect(await refusal(openBundle(folder))).toEqual([
      'bundle-malformed: …/bundle.json: the file /usr/bin/one stands there twice',
      'bundle-malformed: …/bundle.json: files/one stands there twice, with different digests or sizes',
    ]);
  });
});
