import { createWriteStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileDigest } from '../file-digest.ts';

export interface DownloadOptions {
  /** What the bytes must hash to; only then a half file is gone on with. */
  readonly sha256?: string;
  readonly signal?: AbortSignal;
  /** Milliseconds without a byte; 60,000. */
  readonly idle?: number;
  /** How often a fetch that broke off is begun again; 3. */
  readonly retries?: number;
  /** Milliseconds before the first retry, doubled for each further one; 1,000. */
  readonly pause?: number;
}

/** A server said no: trying again would not help. */
class Refusal extends Error {}

/**
 * Fetches a URL into a file of its own, which goes on where an earlier fetch of the same bytes was cut
 * off. Gives digest and size. Throws an Error with the reason; the half file stays for the next time
 * unless it is not what was wanted.
 */
export async function download(
  url: string,
  path: string,
  options: DownloadOptions = {},
): Promise<{ readonly sha256: string; readonly size: number }> {
  const { retries = 3, pause = 1000, signal } = options;
  for (let attempt = 0; ; attempt += 1) {
    try {
      await fetchOnce(url, path, options);
      const sha256 = await fileDigest(path);
      if (options.sha256 === undefined || sha256 === options.sha256) {
        return { sha256, size: (await stat(path)).size };
      }
      await rm(path, { force: true });
      throw new Error(`what came has the digest ${sha256}, and ${options.sha256} is published`);
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof Refusal || attempt >= retries) throw reasonOf(error);
      await sleep(pause * 2 ** attempt, undefined, signal === undefined ? {} : { signal });
    }
  }
}

/** A short text, such as a published digest. */
export async function downloadText(url: string, options: DownloadOptions = {}): Promise<string> {
  const { retries = 3, pause = 1000, signal } = options;
  for (let attempt = 0; ; attempt += 1) {
    try {
      const patience = AbortSignal.timeout(options.idle ?? 60_000);
      const response = await fetch(url, {
        signal: signal === undefined ? patience : AbortSignal.any([signal, patience]),
      });
      if (!response.ok) throw statusError(response);
      return await response.text();
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof Refusal || attempt >= retries) throw reasonOf(error);
      await sleep(pause * 2 ** attempt, undefined, signal === undefined ? {} : { signal });
    }
  }
}

async function fetchOnce(url: string, path: string, options: DownloadOptions): Promise<void> {
  const have = options.sha256 === undefined ? 0 : await sizeOf(path);
  const stalled = new AbortController();
  const idle = options.idle ?? 60_000;
  const stop = (): void => stalled.abort(new Error(`nothing came for ${idle} ms`));
  let timer = setTimeout(stop, idle);
  const signal =
    options.signal === undefined
      ? stalled.signal
      : AbortSignal.any([options.signal, stalled.signal]);
  try {
    const response = await fetch(url, {
      signal,
      // Bytes as they are: a digest is of the file, not of how it was packed for the way.
      headers: { 'accept-encoding': 'identity', ...(have > 0 ? { range: `bytes=${have}-` } : {}) },
    });
    if (have > 0 && response.status === 416) {
      // As long as the whole, or longer: the digest decides.
      await response.body?.cancel();
      return;
    }
    if (!response.ok || response.body === null) throw statusError(response);
    const goesOn = response.status === 206;
    await pipeline(
      Readable.fromWeb(response.body),
      async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          clearTimeout(timer);
          timer = setTimeout(stop, idle);
          yield chunk;
        }
      },
      createWriteStream(path, { flags: goesOn ? 'a' : 'w' }),
      { signal },
    );
  } catch (error) {
    throw stalled.signal.aborted ? stalled.signal.reason : error;
  } finally {
    clearTimeout(timer);
  }
}

function statusError(response: Response): Error {
  const text = `the server answered ${response.status} ${response.statusText}`.trim();
  const final = response.status >= 400 && response.status < 500 && response.status !== 429;
  return final ? new Refusal(text) : new Error(text);
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch {
    return 0;
  }
}

/** fetch says only "fetch failed", and the reason is its cause. */
function reasonOf(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  const { cause } = error;
  if (!(cause instanceof Error)) return error;
  const { code } = cause as NodeJS.ErrnoException;
  return new Error(cause.message === '' ? (code ?? error.message) : cause.message);
}
