import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { command } from '../command.ts';
import { aptOrigin, type AptOrigin } from './apt-origin.ts';

/** The texts of the files in a folder whose names match, in order; none where there is no folder. */
export async function textsOf(
  folder: string,
  pattern: RegExp,
): Promise<{ name: string; text: string }[]> {
  const names = await readdir(folder).catch(() => []);
  const chosen = names.filter((name) => pattern.test(name)).toSorted();
  return await Promise.all(
    chosen.map(async (name) => ({ name, text: await readFile(join(folder, name), 'utf8') })),
  );
}

/** Where this computer gets Debian packages from. */
export async function hostOrigin(): Promise<AptOrigin> {
  const [main, parts, dump] = await Promise.all([
    textsOf('/etc/apt', /^sources\.list$/),
    textsOf('/etc/apt/sources.list.d', /\.(?:list|sources)$/),
    command(['apt-config', 'dump'], { accept: 'any' }),
  ]);
  return aptOrigin([...main, ...parts], dump.stdout);
}
