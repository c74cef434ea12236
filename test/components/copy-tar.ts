import { createReadStream, createWriteStream } from 'node:fs';
import { matchesGlob } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { extract, pack } from 'tar-stream';

/**
 * Copies a tar without some of its paths. `patterns` are relative to its root; a `*` stands for a part
 * of a name, and what lies below a path goes with it.
 */
export async function copyTarWithout(
  source: string,
  target: string,
  patterns: readonly string[],
): Promise<void> {
  const globs = patterns.flatMap((pattern) => [pattern, `${pattern}/**`]);
  const reader = extract();
  const writer = pack();
  const written = pipeline(writer, createWriteStream(target));
  const read = pipeline(createReadStream(source), reader);
  for await (const entry of reader) {
    const { header } = entry;
    const name = header.name.replace(/^\.\//, '').replace(/\/$/, '');
    if (globs.some((glob) => matchesGlob(name, glob))) {
      entry.resume();
      continue;
    }
    // What else was in extended headers is read already: only long names need them again.
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const done = (error?: Error | null): void => (error ? reject(error) : resolve());
    const again = { ...header, pax: null };
    if (header.type === 'file') entry.pipe(writer.entry(again, done));
    else {
      entry.resume();
      writer.entry(again, '', done);
    }
    await promise;
  }
  writer.finalize();
  await Promise.all([read, written]);
}
