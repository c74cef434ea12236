import { mkdir, readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { command } from '../command.ts';

const suffix = '.part';

/**
 * A folder beside `folder` for this process alone, in which something is built that then takes the place
 * of `folder` by a rename. What processes left there that are no longer alive is removed first.
 */
export async function makeWorkplace(folder: string): Promise<string> {
  const parent = dirname(folder);
  await mkdir(parent, { recursive: true });
  for (const entry of await readdir(parent)) {
    const [, owner] = /\.(\d+)\.part$/.exec(entry) ?? [];
    if (!entry.startsWith(`${basename(folder)}.`) || !entry.endsWith(suffix)) continue;
    if (owner === undefined || !isAlive(Number(owner))) await removeTree(join(parent, entry));
  }
  const work = `${folder}.${process.pid}${suffix}`;
  await mkdir(work, { mode: 0o700 });
  return work;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * Removes a folder in which a root filesystem was built. What is still mounted below it (where the
 * program that mounted it was killed) is let go first, and never followed.
 */
export async function removeTree(path: string): Promise<void> {
  const mounts = (await readFile('/proc/self/mounts', 'utf8'))
    .split('\n')
    .map((line) => (line.split(' ')[1] ?? '').replaceAll('\\040', ' '))
    .filter((mount) => mount.startsWith(`${path}/`));
  for (const mount of mounts.toReversed()) {
    await command(['umount', '--lazy', mount], { accept: 'any' });
  }
  await command(['rm', '-rf', '--one-file-system', path]);
}
