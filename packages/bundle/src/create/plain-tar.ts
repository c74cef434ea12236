import { createReadStream, createWriteStream } from 'node:fs';
import { finished, pipeline } from 'node:stream/promises';
import { extract, pack } from 'tar-stream';

/**
 * Copies a tar without the times and owners of its entries, so that the same content gives the same
 * bytes whenever it was fetched: then two bundles of the same images have the same digests.
 */
export async function copyPlainTar(from: string, to: string): Promise<void> {
  const reader = extract();
  const writer = pack();
  const reading = pipeline(createReadStream(from), reader);
  const writing = pipeline(writer, createWriteStream(to));
  // What goes wrong there ends the loop below, too.
  reading.catch((error: Error) => writer.destroy(error));
  writing.catch((error: Error) => reader.destroy(error));
  for await (const entry of reader) {
    const { name, type, size } = entry.header;
    const mode = type === 'directory' ? 0o755 : 0o644;
    const target = writer.entry({ name, type, size: size ?? 0, mode, mtime: new Date(0) });
    if (type === 'directory') entry.resume();
    else {
      entry.pipe(target);
      await finished(target);
    }
  }
  writer.finalize();
  await Promise.all([reading, writing]);
}
