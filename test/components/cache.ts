import { createHash } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

type Kind = 'components' | 'bundles';

/** `${XDG_CACHE_HOME:-~/.cache}/skerry`. */
function cacheFolder(): string {
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'skerry');
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}

/**
 * The folder `<kind>/<name>-<key>` of the cache, where the key is the digest of `inputs`. Where it is
 * not there, `make` fills a folder beside it, which gets the name when it is complete: an interrupted
 * build leaves nothing that looks finished, and of two at the same time one wins.
 */
export async function cached(
  kind: Kind,
  name: string,
  inputs: unknown,
  make: (folder: string) => Promise<void>,
): Promise<string> {
  const key = createHash('sha256').update(JSON.stringify(inputs)).digest('hex').slice(0, 12);
  const folder = join(cacheFolder(), kind, `${name}-${key}`);
  if (await exists(folder)) {
    const now = new Date();
    await utimes(folder, now, now);
    return folder;
  }
  const work = `${folder}.part-${process.pid}`;
  await rm(work, { recursive: true, force: true });
  await mkdir(work, { recursive: true });
  try {
    await make(work);
    await rename(work, folder).catch(async (error: unknown) => {
      if (!(await exists(folder))) throw error;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return folder;
}

/** Days after which what nobody has asked for is removed. */
const kept = { finished: 14, begun: 1 };

/** Removes what was not used for long, and what was left of builds that were cut off. */
export async function prune(): Promise<void> {
  for (const kind of ['components', 'bundles'] satisfies Kind[]) {
    const folder = join(cacheFolder(), kind);
    for (const name of await readdir(folder).catch(() => [])) {
      const path = join(folder, name);
      const days = (Date.now() - (await stat(path)).mtimeMs) / 86_400_000;
      if (days > (name.includes('.part-') ? kept.begun : kept.finished)) {
        await rm(path, { recursive: true, force: true });
      }
    }
  }
}
