import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { pack, type Pack } from 'tar-stream';

/**
 * One thing in the root of an image: a file copied from here, a file with a text, a folder, or a
 * symbolic link with its target.
 */
export type LayerEntry = {
  /** Absolute path in the image. */
  readonly path: string;
} & (
  | ({
      /** Permissions, as a number: 0o755. */
      readonly mode: number;
    } & ({ readonly file: string } | { readonly text: string } | { readonly folder: true }))
  | { readonly link: string }
);

/** Appends one entry; resolves when its bytes have been taken. */
export async function addEntry(
  tar: Pack,
  header: Parameters<Pack['entry']>[0],
  source: { readonly file: string } | { readonly text: string | Buffer },
): Promise<void> {
  if ('text' in source) {
    await new Promise<void>((done, fail) => {
      tar.entry(header, source.text, (error) => (error ? fail(error) : done()));
    });
    return;
  }
  const { size } = await stat(source.file);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const entry = tar.entry({ ...header, size }, (error) => (error ? reject(error) : resolve()));
  const input = createReadStream(source.file);
  input.once('error', (error) => entry.destroy(error));
  input.pipe(entry);
  await promise;
}

/** Writes a tar of entries; they come from `fill`, and it is whole when this resolves. */
export async function writeTar(
  target: string | NodeJS.WritableStream,
  fill: (tar: Pack) => Promise<void>,
): Promise<void> {
  const tar = pack();
  const output = typeof target === 'string' ? createWriteStream(target) : target;
  const written = pipeline(tar, output);
  try {
    await Promise.race([fill(tar), written]);
    tar.finalize();
    await written;
  } catch (error) {
    tar.destroy(error instanceof Error ? error : new Error(String(error)));
    await written.catch(() => undefined);
    throw error;
  }
}

/**
 * Writes one layer of an image as a plain tar: all owned by root, all of the same age, folders above
 * an entry made as they are needed. The same entries give the same bytes.
 */
export async function writeLayer(target: string, entries: readonly LayerEntry[]): Promise<void> {
  const made = new Set(['']);
  const owned = { uid: 0, gid: 0, mtime: new Date(0) };
  await writeTar(target, async (tar) => {
    const folder = async (path: string, mode: number): Promise<void> => {
      if (made.has(path)) return;
      made.add(path);
      await folder(path.slice(0, Math.max(0, path.lastIndexOf('/'))), 0o755);
      await addEntry(tar, { ...owned, name: `${path}/`, type: 'directory', mode }, { text: '' });
    };
    for (const entry of entries) {
      const name = entry.path.replace(/^\/+/, '');
      if ('folder' in entry) {
        await folder(name, entry.mode);
        continue;
      }
      await folder(name.slice(0, Math.max(0, name.lastIndexOf('/'))), 0o755);
      if ('link' in entry) {
        const header = { ...owned, name, type: 'symlink' as const, linkname: entry.link };
        await addEntry(tar, { ...header, mode: 0o777 }, { text: '' });
        continue;
      }
      const header = { ...owned, name, mode: entry.mode };
      await addEntry(tar, header, 'file' in entry ? { file: entry.file } : { text: entry.text });
    }
  });
}
