import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { OutsideAnswer, OutsideCall } from '@skerry/steps';

const execute = promisify(execFile);

/** Milliseconds for one HTTP request. */
const timeout = 5000;

/** More than a probe ever says. */
const longest = 64 * 1024;

/**
 * Asks from this machine: HTTP to the address, then which interface leads to it without a router, and
 * which hardware addresses answered for it.
 */
export async function callFromHere(call: OutsideCall, signal: AbortSignal): Promise<OutsideAnswer> {
  const segment = await segmentOf(call.address);
  const answer = await request(call, signal);
  const neighbours = segment === undefined ? undefined : await neighboursOf(call.address, segment);
  return { ...call, ...answer, segment, neighbours };
}

async function request(
  { address, port }: OutsideCall,
  signal: AbortSignal,
): Promise<Pick<OutsideAnswer, 'result' | 'text'>> {
  // An import of it loads undici, too: 50 ms of each command, for one question of one of them.
  const { get } = await import('node:http');
  const { promise, resolve } = Promise.withResolvers<Pick<OutsideAnswer, 'result' | 'text'>>();
  const limit = AbortSignal.timeout(timeout);
  const failed = (error: NodeJS.ErrnoException): void => {
    const result = limit.aborted
      ? 'timeout'
      : error.code === 'ECONNREFUSED'
        ? 'refused'
        : error.code === 'ETIMEDOUT'
          ? 'timeout'
          : 'error';
    resolve({ result, text: limit.aborted ? `no answer in ${timeout / 1000} s` : error.message });
  };
  const sent = get(
    {
      host: address,
      port,
      path: '/',
      // Without an agent no connection is kept, and each request is a new one for the balancer.
      agent: false,
      signal: AbortSignal.any([signal, limit]),
    },
    (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece: string) => {
        if (text.length < longest) text += piece;
      });
      response.once('end', () => resolve({ result: 'answered', text }));
      response.once('error', failed);
    },
  );
  sent.once('error', failed);
  return promise;
}

/** What `ip` prints as JSON; undefined where there is no such program, or it fails. */
async function ip(
  ...words: readonly string[]
): Promise<readonly Record<string, unknown>[] | undefined> {
  try {
    const { stdout } = await execute('ip', ['-j', ...words], { timeout });
    return stdout.trim() === '' ? [] : (JSON.parse(stdout) as Record<string, unknown>[]);
  } catch {
    return undefined;
  }
}

async function segmentOf(address: string): Promise<string | undefined> {
  const [route] = (await ip('route', 'get', address)) ?? [];
  const { dev, gateway, via, type } = route ?? {};
  if (gateway !== undefined || via !== undefined || type === 'local') return undefined;
  return typeof dev === 'string' ? dev : undefined;
}

const hardwareAddress = /\b[0-9a-f]{2}(?::[0-9a-f]{2}){5}\b/gi;

async function neighboursOf(
  address: string,
  segment: string,
): Promise<readonly string[] | undefined> {
  const known = await ip('neigh', 'show', 'to', address, 'dev', segment);
  const asked = await arping(address, segment);
  if (known === undefined && asked === undefined) return undefined;
  const all = [
    ...(known ?? []).flatMap(({ lladdr }) => (typeof lladdr === 'string' ? [lladdr] : [])),
    ...(asked ?? []),
  ];
  return [...new Set(all.map((text) => text.toLowerCase()))];
}

/** Asks the segment, which also shows a second one that answers; undefined where that cannot be done. */
async function arping(address: string, segment: string): Promise<readonly string[] | undefined> {
  if (address.includes(':')) return undefined;
  try {
    const words = ['-c', '2', '-w', '3', '-I', segment, address];
    const { stdout } = await execute('arping', words, { timeout: 2 * timeout });
    return stdout
      .split('\n')
      .filter((line) => /reply|bytes from/i.test(line))
      .flatMap((line) => line.match(hardwareAddress) ?? []);
  } catch {
    return undefined;
  }
}
