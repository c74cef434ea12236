import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readImageArchive, writeImageArchive, writeLayer } from '../src/index.ts';

const settings = {
  reference: 'registry.example.no/made/up:1.2.3',
  architecture: 'amd64',
  entrypoint: ['/program'],
  environment: ['PATH=/usr/local/bin'],
  user: '65535:65535',
};

let folder = '';
let archive = '';
let written: Awaited<ReturnType<typeof writeImageArchive>>;

async function build(target: string): Promise<typeof written> {
  const layer = `${target}.layer`;
  await writeLayer(layer, [
    { path: '/usr/local/bin/program', mode: 0o755, file: join(folder, 'program') },
    { path: '/tmp', mode: 0o1777, folder: true },
    { path: '/usr/sbin/program', link: '../local/bin/program' },
    { path: '/etc/passwd', mode: 0o644, text: 'root:x:0:0::/:\n' },
  ]);
  return await writeImageArchive(target, settings, [layer]);
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'skerry-oci-'));
  // Larger than what a stream passes at once.
  writeFileSync(join(folder, 'program'), Buffer.alloc(3_000_001, 'x'));
  archive = join(folder, 'image.tar');
  written = await build(archive);
});

afterAll(() => rmSync(folder, { recursive: true }));

const tar = (...argv: string[]): string => execFileSync('tar', argv, { encoding: 'utf8' });

test('what is told of the archive is true of the file', () => {
  const bytes = readFileSync(archive);
  expect(written.size).toBe(bytes.length);
  expect(written.sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
});

test('the layer unpacks with tar: owners, modes, and folders that nobody named', () => {
  const listing = tar('-tvf', `${archive}.layer`, '--numeric-owner')
    .trim()
    .split('\n')
    .map((line) => line.replace(/ +/g, ' ').split(' '))
    .map(([mode, owner, size, , , name]) => [mode, owner, size, name].join(' '));
  expect(listing).toEqual([
    'drwxr-xr-x 0/0 0 usr/',
    'drwxr-xr-x 0/0 0 usr/local/',
    'drwxr-xr-x 0/0 0 usr/local/bin/',
    '-rwxr-xr-x 0/0 3000001 usr/local/bin/program',
    'drwxrwxrwt 0/0 0 tmp/',
    'drwxr-xr-x 0/0 0 usr/sbin/',
    'lrwxrwxrwx 0/0 0 usr/sbin/program',
    'drwxr-xr-x 0/0 0 etc/',
    '-rw-r--r-- 0/0 15 etc/passwd',
  ]);
});

test('each descriptor names a blob of its size and digest, and the index the full reference', async () => {
  const index = JSON.parse(tar('-xOf', archive, 'index.json'));
  expect(index.manifests).toHaveLength(1);
  const [{ digest, annotations }] = index.manifests;
  expect(digest).toBe(written.digest);
  expect(annotations).toEqual({
    'io.containerd.image.name': 'registry.example.no/made/up:1.2.3',
    'org.opencontainers.image.ref.name': '1.2.3',
  });
  const manifest = JSON.parse(tar('-xOf', archive, `blobs/${digest.replace(':', '/')}`));
  const config = JSON.parse(
    tar('-xOf', archive, `blobs/${manifest.config.digest.replace(':', '/')}`),
  );
  expect(config.config).toEqual({
    Env: ['PATH=/usr/local/bin'],
    Entrypoint: ['/program'],
    User: '65535:65535',
  });
  expect(config.rootfs.diff_ids).toEqual([manifest.layers[0].digest]);
  expect(manifest.layers[0].size).toBe(statSync(`${archive}.layer`).size);
  await expect(readImageArchive(archive)).resolves.toEqual({
    images: [{ digest, name: 'registry.example.no/made/up:1.2.3' }],
  });
});

test('the same things give the same bytes', async () => {
  expect((await build(join(folder, 'again.tar'))).sha256).toBe(written.sha256);
});

test.runIf(hasSkopeo())('skopeo reads it', () => {
  const said = execFileSync('skopeo', ['inspect', `oci-archive:${archive}`], { encoding: 'utf8' });
  const { Digest, Architecture } = JSON.parse(said);
  expect({ Digest, Architecture }).toEqual({ Digest: written.digest, Architecture: 'amd64' });
});

function hasSkopeo(): boolean {
  try {
    execFileSync('skopeo', ['--version']);
    return true;
  } catch {
    return false;
  }
}

const findingOf = async (path: string): Promise<{ code: string; why: string }> => {
  const error = await readImageArchive(path).catch((thrown: unknown) => thrown);
  return (error as { diagnostics: { code: string; why: string }[] }).diagnostics[0] as never;
};

test('an archive that was cut off, changed, or is something else is refused with the reason', async () => {
  const copy = (name: string): string => {
    const path = join(folder, name);
    writeFileSync(path, readFileSync(archive));
    return path;
  };
  const short = copy('short.tar');
  truncateSync(short, 100_000);
  await expect(findingOf(short)).resolves.toMatchObject({
    code: 'image-archive-broken',
    why: 'Unexpected end of data',
  });

  const changed = copy('changed.tar');
  const bytes = readFileSync(changed);
  bytes[bytes.indexOf('xxxxxxxx') + 1000] = 0x79;
  writeFileSync(changed, bytes);
  const { why } = await findingOf(changed);
  expect(why).toMatch(/^blobs\/sha256\/[0-9a-f]{64} has the digest [0-9a-f]{64}$/);

  const other = join(folder, 'other.tar');
  tar('-cf', other, '-C', folder, 'program');
  await expect(findingOf(other)).resolves.toMatchObject({ why: 'it has no oci-layout' });
});

test('an archive without one of its layers is refused', async () => {
  const unpacked = join(folder, 'unpacked');
  execFileSync('mkdir', ['-p', unpacked]);
  tar('-xf', archive, '-C', unpacked);
  const { why: before } = await findingOf(join(folder, 'nowhere.tar'));
  expect(before).toContain('ENOENT');
  const index = JSON.parse(readFileSync(join(unpacked, 'index.json'), 'utf8'));
  const blob = (digest: string) => join(unpacked, 'blobs', digest.replace(':', '/'));
  const manifest = JSON.parse(readFileSync(blob(index.manifests[0].digest), 'utf8'));
  rmSync(blob(manifest.layers[0].digest));
  const without = join(folder, 'without.tar');
  tar('-cf', without, '-C', unpacked, '.');
  await expect(findingOf(without)).resolves.toMatchObject({
    why: `a part ${manifest.layers[0].digest} is missing`,
  });
});

test('a layer that names a file which is not there fails, and does not hang', async () => {
  const entry = { path: '/x', mode: 0o644, file: join(folder, 'missing') };
  await expect(writeLayer(join(folder, 'bad.layer'), [entry])).rejects.toThrow('ENOENT');
});
