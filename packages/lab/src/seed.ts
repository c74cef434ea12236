import { createHash } from 'node:crypto';
import { copyFile, link, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DiagnosticError } from '@skerry/diagnostics';
import { command } from './command.ts';
import type { Progress } from './progress.ts';

/**
 * The seed is a disk with what nodes need of a bundle, each artifact by its digest: copying hundreds
 * of megabytes through SSH into an emulated machine takes minutes, and a disk is there at once. All
 * machines have the same one, read-only.
 */
export const seedLabel = 'SKERRYSEED';

/** Where machines have it. */
export const seedMount = '/var/lib/skerry/seed';

/** In it: the digest of its contents, so that a machine can say which one it has. */
export const seedMark = 'contents';

/** What of a bundle goes onto the disk. */
export interface SeedContents {
  /** Of the digests of all that is on it: lower-case hex. */
  readonly digest: string;
  readonly files: readonly {
    /** As the bundle has it: file, image or package. */
    readonly kind: string;
    /** Absolute. */
    readonly path: string;
    readonly sha256: string;
    /** Bytes. */
    readonly size: number;
  }[];
}

interface Entry {
  readonly kind: string;
  readonly path: string;
  readonly sha256: string;
  readonly size: number;
}

/** Charts, manifests and the operator's own programs stay where they are. */
const forNodes = new Set(['file', 'image', 'package']);

/** Reads from a bundle's index what its nodes need. */
export async function seedContents(bundle: string): Promise<SeedContents> {
  const index = join(bundle, 'bundle.json');
  let artifacts: readonly Entry[];
  try {
    const read = JSON.parse(await readFile(index, 'utf8')) as { artifacts: readonly Entry[] };
    artifacts = read.artifacts.filter(({ kind }) => forNodes.has(kind));
  } catch (error) {
    throw new DiagnosticError({
      code: 'lab-seed',
      severity: 'error',
      what: `the bundle for the lab cannot be read: ${index}`,
      why: error instanceof Error ? error.message : String(error),
      fix: 'see what the script under lab.bundle.make prints: its last line must be the folder of a bundle',
    });
  }
  const files = [...new Map(artifacts.map((each) => [each.sha256, each])).values()]
    .map(({ kind, path, sha256, size }) => ({ kind, path: join(bundle, path), sha256, size }))
    .toSorted((one, other) => (one.sha256 < other.sha256 ? -1 : 1));
  const all = files.map(({ sha256 }) => sha256).join('\n');
  return { digest: createHash('sha256').update(all).digest('hex'), files };
}

/** Bytes of an ext4 without a journal that holds the files: whole blocks, and room for the rest. */
export function seedSize(sizes: readonly number[]): number {
  const blocks = sizes.reduce((sum, size) => sum + Math.ceil(size / 4096) * 4096, 0);
  const mebibytes = Math.ceil((blocks * 1.03) / 2 ** 20) + 16;
  return mebibytes * 2 ** 20;
}

/** Makes the disk as a file that only needs as much room as its contents. */
export async function makeSeed(
  contents: SeedContents,
  target: string,
  progress: Progress,
): Promise<void> {
  const { signal } = progress;
  const folder = `${target}.files`;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o755 });
  try {
    for (const { path, sha256, size } of contents.files) {
      const has = await stat(path).then(
        (found) => found.size,
        () => undefined,
      );
      if (has !== size) throw wrongSize(path, has, size);
      const name = join(folder, sha256);
      await link(path, name).catch(() => copyFile(path, name));
    }
    await writeFile(join(folder, seedMark), `${contents.digest}\n`);
    await rm(target, { force: true });
    const size = `${seedSize(contents.files.map((file) => file.size)) / 2 ** 20}M`;
    const features = '^has_journal,^resize_inode,^metadata_csum';
    const inodes = String(contents.files.length + 64);
    await command(
      ['mkfs.ext4', '-q', '-F', '-L', seedLabel, '-m', '0', '-b', '4096', '-O', features].concat([
        '-N',
        inodes,
        '-E',
        'root_owner=0:0',
        '-d',
        folder,
        target,
        size,
      ]),
      { signal },
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function wrongSize(path: string, has: number | undefined, size: number): DiagnosticError {
  return new DiagnosticError({
    code: 'lab-seed',
    severity: 'error',
    what: `the bundle for the lab is not whole: ${path}`,
    why: has === undefined ? 'the file is missing' : `it has ${has} bytes, not ${size}`,
    fix: 'remove the folder of the bundle and run the command again: it is made anew',
  });
}
