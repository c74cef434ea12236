import { createHash } from 'node:crypto';
import type { Arg } from './fragment.ts';

/**
 * What stands for an argument in the script that is sent. `reveal` puts secrets in place of their
 * tokens; hashes are taken after that, so a hash is that of the bytes the host is to hold. A value
 * that another host makes is asked for by the engine before, and has a token by then.
 */
export function resolveArg(arg: Arg, reveal: (text: string) => string): string {
  if (typeof arg === 'string') return reveal(arg);
  if ('sha256Of' in arg) return sha256(Buffer.from(reveal(arg.sha256Of), 'utf8'));
  if ('sha256OfBase64' in arg) return sha256(Buffer.from(arg.sha256OfBase64, 'base64'));
  throw new Error(`a value made on ${arg.readOn.join(' or ')} is only to be had by a change`);
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
