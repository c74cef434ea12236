import { appendFile, mkdir, open, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import pLimit, { type LimitFunction } from 'p-limit';
import { type KnownHost, parseKnownHosts } from './known-hosts.ts';

interface Cached {
  readonly stamp: string;
  readonly entries: readonly KnownHost[];
}

/** Reads and extends known_hosts files; a file is parsed again only when it has changed. */
export class KnownHostsFiles {
  readonly #cache = new Map<string, Cached>();
  readonly #locks = new Map<string, LimitFunction>();

  /**
   * All entries of the files, in order. A file that does not exist holds none.
   * @throws the error of the file system for a file that exists and cannot be read.
   */
  async read(files: readonly string[]): Promise<readonly KnownHost[]> {
    const all = await Promise.all(files.map((file) => this.#readOne(file)));
    return all.flat();
  }

  /**
   * Runs `work` while no other connection of this process changes the file. Other processes are
   * safe as well: a line is appended by a single write.
   */
  exclusively<T>(file: string, work: () => Promise<T>): Promise<T> {
    let lock = this.#locks.get(file);
    if (lock === undefined) {
      lock = pLimit(1);
      this.#locks.set(file, lock);
    }
    return lock(work);
  }

  /** Appends one line; makes the file (0600) and its folder (0700) where they are missing. */
  async append(file: string, line: string): Promise<void> {
    await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
    const lead = (await endsOpen(file)) ? '\n' : '';
    await appendFile(file, `${lead}${line}\n`, { mode: 0o600 });
    this.#cache.delete(file);
  }

  async #readOne(file: string): Promise<readonly KnownHost[]> {
    let stamp: string;
    try {
      const { ino, mtimeNs, size } = await stat(file, { bigint: true });
      stamp = `${ino} ${mtimeNs} ${size}`;
    } catch (error) {
      if (isAbsent(error)) return [];
      throw error;
    }
    const cached = this.#cache.get(file);
    if (cached?.stamp === stamp) return cached.entries;
    const entries = parseKnownHosts(await readFile(file, 'utf8'), file);
    this.#cache.set(file, { stamp, entries });
    return entries;
  }
}

function isAbsent(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

/** Whether the last line of a file lacks its newline. */
async function endsOpen(file: string): Promise<boolean> {
  let handle;
  try {
    handle = await open(file, 'r');
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
  try {
    const { size } = await handle.stat();
    if (size === 0) return false;
    const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
    return buffer[0] !== 10;
  } finally {
    await handle.close();
  }
}
