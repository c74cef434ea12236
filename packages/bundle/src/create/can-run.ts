import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Whether this machine has a program that tells its version when it is asked with `word`. */
export async function canRun(program: string, word = '--version'): Promise<boolean> {
  try {
    await run(program, [word]);
    return true;
  } catch {
    return false;
  }
}
