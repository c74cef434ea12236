import { chmod, copyFile, mkdir, readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { command } from './command.ts';

/** `${XDG_CACHE_HOME:-~/.cache}/skerry`: boxes and the key that opens them. */
export function cacheFolder(): string {
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'skerry');
}

/**
 * The key pair that opens the lab's machines, made once for each user of this computer because it
 * is built into the cached boxes. A copy lies in the lab's folder. Returns the public key.
 */
export async function ensureKey(folder: string): Promise<string> {
  const home = join(cacheFolder(), 'lab');
  await mkdir(home, { recursive: true, mode: 0o700 });
  const key = join(home, 'id_ed25519');
  const there = await stat(`${key}.pub`).then(
    () => true,
    () => false,
  );
  if (!there) {
    await command(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'skerry-lab', '-f', key], {
      input: 'y\n',
    });
  }
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const [suffix, mode] of [
    ['', 0o600],
    ['.pub', 0o644],
  ] as const) {
    const target = join(folder, `id_ed25519${suffix}`);
    await copyFile(`${key}${suffix}`, target);
    await chmod(target, mode);
  }
  return await readFile(`${key}.pub`, 'utf8');
}
