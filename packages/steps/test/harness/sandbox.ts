import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** In memory where that can be: the steps flush each file to disk, and a busy disk takes its time. */
const base = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** A folder of its own for a test, removed with `await using`. */
export async function sandbox(): Promise<{ path: string; [Symbol.asyncDispose](): Promise<void> }> {
  const path = await mkdtemp(join(base, 'skerry-steps-'));
  return {
    path,
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

/**
 * For `inside`: runs a fragment in a mount namespace of its own, after `setup`, sh that reads `args`
 * as "$1", "$2", …. Needs root.
 */
export function inMountNamespace(setup: string, ...args: readonly string[]): string[] {
  const code = `count=$1; shift; (${setup}) >&2 || exit 99; shift "$count"; exec "$@"`;
  return ['unshare', '-m', 'sh', '-c', code, 'sh', String(args.length), ...args];
}
