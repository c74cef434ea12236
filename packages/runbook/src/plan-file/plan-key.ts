import { createHash, createHmac, randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DiagnosticError } from '@skerry/diagnostics';

/** The environment variable that shares one plan key between machines. */
export const planKeyVariable = 'SKERRY_PLAN_KEY';

/**
 * The key of the digests in a plan. Without it nobody can try out guesses of a secret against the
 * plan file, which is read by everybody who reviews it.
 */
export class PlanKey {
  /** Names the key without telling it. */
  readonly id: string;
  readonly #key: Buffer;

  constructor(key: Buffer) {
    this.#key = key;
    this.id = createHash('sha256')
      .update('skerry plan key id\0')
      .update(key)
      .digest('hex')
      .slice(0, 16);
  }

  /** HMAC-SHA-256 in hexadecimal; `purpose` keeps digests for different ends apart. */
  digest(purpose: 'secret' | 'observed' | 'journal', text: string): string {
    return createHmac('sha256', this.#key).update(`${purpose}\0`).update(text).digest('hex');
  }
}

/**
 * The key of the environment, or the one in the state folder, which is made (32 random bytes, mode
 * 0600) when there is none.
 */
export async function planKey(
  stateFolder: string,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Promise<PlanKey> {
  const given = environment[planKeyVariable] ?? '';
  if (given !== '') {
    if (given.length < 32) {
      throw new DiagnosticError({
        code: 'plan-key-short',
        severity: 'error',
        what: `${planKeyVariable} has fewer than 32 characters`,
        why: 'whoever guesses it can try out guesses of secrets against a plan',
        fix: 'make one with: openssl rand -hex 32',
      });
    }
    return new PlanKey(Buffer.from(given, 'utf8'));
  }
  return new PlanKey(await keyOfFolder(stateFolder));
}

async function keyOfFolder(stateFolder: string): Promise<Buffer> {
  const file = join(stateFolder, 'plan.key');
  const known = await readKey(file);
  if (known !== undefined) return known;
  await mkdir(stateFolder, { recursive: true, mode: 0o700 });
  const fresh = `${file}.${process.pid}`;
  await writeFile(fresh, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600 });
  // Whole or not at all, and the first of two runs that start together wins.
  await link(fresh, file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  await rm(fresh);
  const made = await readKey(file);
  if (made === undefined) throw new Error(`${file} went away`);
  return made;
}

async function readKey(file: string): Promise<Buffer | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  if (/^[0-9a-f]{64}\n$/.test(text)) return Buffer.from(text.trim(), 'hex');
  throw new DiagnosticError({
    code: 'plan-key-damaged',
    severity: 'error',
    what: `${file} is no plan key`,
    fix: 'remove it: a new one is made; plans that were made with the old one must be made again',
  });
}
