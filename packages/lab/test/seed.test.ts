import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { boxImages } from '../src/box/images.ts';
import { mmdebstrapArguments } from '../src/box/script.ts';
import { Progress } from '../src/progress.ts';
import { makeSeed, seedContents, seedMark, seedSize } from '../src/seed.ts';

const progress = new Progress(() => undefined);
let bundle = '';

interface Entry {
  readonly kind: string;
  readonly path: string;
  readonly sha256: string;
  readonly size: number;
}

function add(kind: string, name: string, bytes: Buffer): Entry {
  writeFileSync(join(bundle, name), bytes);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { kind, path: name, sha256, size: bytes.length };
}

const index = (artifacts: readonly Entry[]): void => {
  writeFileSync(join(bundle, 'bundle.json'), JSON.stringify({ schema: 1, artifacts }));
};

let artifacts: Entry[] = [];

beforeAll(() => {
  bundle = mkdtempSync(join(tmpdir(), 'skerry-seed-'));
  artifacts = [
    add('file', 'kubelet', Buffer.alloc(5_000_000, 'k')),
    add('image', 'pause.tar', Buffer.alloc(12_288, 'p')),
    add('package', 'ipset.deb', Buffer.from('deb')),
    add('chart', 'cilium.tgz', Buffer.from('chart')),
    add('manifest', 'metallb.yaml', Buffer.from('manifest')),
    add('tool', 'helm', Buffer.from('tool')),
    // The same bytes under two names are one file.
    add('file', 'kubelet-again', Buffer.alloc(5_000_000, 'k')),
  ];
});

afterAll(() => rmSync(bundle, { recursive: true }));

/** What e2fsprogs, which knows nothing of us, sees in the disk. */
const debugfs = (image: string, request: string): string =>
  execFileSync('debugfs', ['-R', request, image], { encoding: 'utf8', stdio: 'pipe' });

test('the disk has what nodes need, by digest, and can say what it has', async () => {
  index(artifacts);
  const contents = await seedContents(bundle);
  const image = join(bundle, 'seed.img');
  await makeSeed(contents, image, progress);

  const [kubelet, pause, deb] = artifacts as [Entry, Entry, Entry];
  const names = debugfs(image, 'ls -p /')
    .split('\n')
    .map((line) => line.split('/')[5])
    .filter((name) => name !== undefined && !['.', '..', 'lost+found', ''].includes(name));
  expect(new Set(names)).toEqual(new Set([seedMark, kubelet.sha256, pause.sha256, deb.sha256]));
  const out = join(bundle, 'out');
  debugfs(image, `dump /${kubelet.sha256} ${out}`);
  expect(readFileSync(out).equals(readFileSync(join(bundle, 'kubelet')))).toBe(true);
  expect(debugfs(image, `cat /${seedMark}`)).toBe(`${contents.digest}\n`);
  expect(debugfs(image, 'show_super_stats -h')).toMatch(/^Filesystem volume name: +SKERRYSEED$/m);
  // Nothing is left beside it, and the source is as it was.
  expect(() => statSync(`${image}.files`)).toThrow('ENOENT');
  expect(statSync(join(bundle, 'kubelet')).nlink).toBe(1);
});

test('other contents have another digest, in whatever order they are listed', async () => {
  const digestOf = async (list: readonly Entry[]): Promise<string> => {
    index(list);
    return (await seedContents(bundle)).digest;
  };
  const whole = await digestOf(artifacts);
  expect(await digestOf(artifacts.toReversed())).toBe(whole);
  expect(await digestOf(artifacts.filter(({ kind }) => kind !== 'chart'))).toBe(whole);
  expect(await digestOf(artifacts.slice(1, 6))).not.toBe(whole);
});

test('a file that is missing or cut off is told, before a disk is made', async () => {
  const target = join(bundle, 'broken.img');
  const findingOf = async (): Promise<{ what: string; why: string }> => {
    const contents = await seedContents(bundle);
    const error = await makeSeed(contents, target, progress).catch((thrown: unknown) => thrown);
    return (error as { diagnostics: { what: string; why: string }[] }).diagnostics[0] as never;
  };
  const [first] = artifacts as [Entry];
  index([{ ...first, size: first.size + 1 }]);
  expect((await findingOf()).why).toBe('it has 5000000 bytes, not 5000001');
  index([{ ...first, path: 'gone' }]);
  expect((await findingOf()).why).toBe('the file is missing');
  expect(() => statSync(target)).toThrow('ENOENT');
});

test('a folder without a bundle is told', async () => {
  mkdirSync(join(bundle, 'empty'));
  await expect(seedContents(join(bundle, 'empty'))).rejects.toThrow(/cannot be read/);
});

test.each([
  ['nothing', []],
  ['a thousand small files', Array.from({ length: 1000 }, () => 1)],
  ['one that ends in the middle of a block', [4097]],
])('%s fits', async (_, sizes) => {
  mkdirSync(join(bundle, 'fit'), { recursive: true });
  const files = sizes.map((size, at) => {
    const path = join(bundle, 'fit', `${at}`);
    writeFileSync(path, Buffer.alloc(size, 'x'));
    const sha256 = createHash('sha256').update(String(at)).digest('hex');
    return { kind: 'file', path, sha256, size };
  });
  const image = join(bundle, 'fit.img');
  await makeSeed({ digest: 'd', files }, image, progress);
  expect(statSync(image).size).toBe(seedSize(sizes));
  rmSync(join(bundle, 'fit'), { recursive: true });
});

test('a box with containerd has the large images of the bundle from the start', () => {
  const file = (kind: string, name: string, mebibytes: number) => ({
    kind,
    path: `/bundle/${name}`,
    sha256: createHash('sha256').update(name).digest('hex'),
    size: mebibytes * 2 ** 20,
  });
  const etcd = file('image', 'etcd.tar', 42);
  const seed = {
    digest: 'd',
    files: [etcd, file('image', 'pause.tar', 1), file('file', 'kubelet', 60)],
  };
  expect(boxImages(['containerd', 'socat'], seed)).toEqual([
    { path: etcd.path, sha256: etcd.sha256 },
  ]);
  expect(boxImages(['socat'], seed)).toEqual([]);
  expect(boxImages(['containerd'], undefined)).toEqual([]);
});

test('packages of the inventory come into the box beside its own', () => {
  const words = mmdebstrapArguments({
    debian: 'trixie',
    origin: { sources: () => [], options: [] },
    customize: 'c',
    overlay: 'o',
    root: 'r',
    packages: ['containerd', 'ipset'],
  });
  const included = words.find((word) => word.startsWith('--include='));
  expect(included).toMatch(/^--include=ca-certificates,.*,zstd,containerd,ipset$/);
});
