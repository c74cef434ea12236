import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Facts } from './facts.ts';

/** The shape of a cached entry; raised when `Facts` changes, so that an old file is not believed. */
const version = 4;

const fileOf = (folder: string, host: string): string =>
  join(folder, 'facts', `${encodeURIComponent(host)}.json`);

/**
 * The facts that an earlier run read, or undefined. They are only a guess that lets a run send its
 * probes along with the question for facts: what was expanded with them is thrown away when the
 * host answers otherwise.
 */
export async function cachedFacts(folder: string, host: string): Promise<Facts | undefined> {
  try {
    const entry = JSON.parse(await readFile(fileOf(folder, host), 'utf8')) as {
      version: number;
      facts: Facts;
    };
    return entry.version === version ? entry.facts : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Keeps the facts for the next run. Where that cannot be done (a folder of somebody else, a full
 * disk) the next run asks twice, and is right all the same: no reason for this one to fail.
 */
export async function cacheFacts(folder: string, host: string, facts: Facts): Promise<void> {
  try {
    await writeFacts(folder, host, facts);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
  }
}

async function writeFacts(folder: string, host: string, facts: Facts): Promise<void> {
  const file = fileOf(folder, host);
  await mkdir(join(folder, 'facts'), { recursive: true, mode: 0o700 });
  const temporary = `${file}.${process.pid}`;
  await writeFile(temporary, `${JSON.stringify({ version, facts })}\n`, { mode: 0o600 });
  await rename(temporary, file);
}
