import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { ByteChannel, Ending } from './byte-channel.ts';
import { posixQuote } from './posix-quote.ts';
import type { SecretBook } from './secret-book.ts';

/** One file that is to lie on a host. */
export interface UploadFile {
  /** Absolute, on the host. Its folder is made, readable by its owner only, where it is missing. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Lower-case hex; the host compares it before the file gets its name. */
  readonly sha256: string;
  /** Its bytes, from the first one. Called when its turn has come. */
  readonly open: () => Readable;
}

export interface UploadOptions {
  /** As root, by way of sudo. */
  readonly become: boolean;
  readonly signal?: AbortSignal;
  /** Milliseconds without a byte taken or an answer, after which the host is given up; 60,000. */
  readonly idle?: number;
  /** Told as bytes of a file are taken by the connection: at most some ten thousand times for a GiB. */
  readonly onProgress?: (file: number, bytes: number) => void;
}

/**
 * How an upload ended. Files before `file` lie complete under their names, those after it are not
 * there; of `file` itself there is nothing under its name, unless the connection was `lost` in the
 * moment in which it was done.
 */
export type UploadResult =
  | { readonly outcome: 'stored' }
  | {
      readonly outcome: 'failed' | 'lost' | 'timedOut' | 'aborted';
      /** Index of the file. */
      readonly file: number;
      readonly reason: string;
    };

/** Bytes in a second that a slow host hashes and flushes at least: an emulated one does some 20 MiB. */
const SLOWEST = 2 * 1024 * 1024;

// The next file is sent only when the host asks for it: what reads the bytes may read ahead.
const receive = (token: string): string => `skerry_receive() {
umask 077
trap '' PIPE
while [ $# -gt 0 ]; do
part=$1.$$.part
trap 'rm -f "$part"' EXIT
trap 'exit 129' HUP
trap 'exit 143' TERM
mkdir -p "\${1%/*}" || return 70
printf '%s ready\\n' ${token}
head -c "$2" >"$part" || return 71
count=$(wc -c <"$part")
if [ "$count" -ne "$2" ]; then echo "only $((count)) of $2 bytes came" >&2; return 72; fi
sum=$(sha256sum <"$part") || return 73
if [ "\${sum%% *}" != "$3" ]; then echo "what came has the digest \${sum%% *}, not $3" >&2; return 74; fi
sync "$part" || return 75
mv -f "$part" "$1" || return 76
shift 3
done
printf '%s end\\n' ${token}
}`;

/**
 * Streams files through a shell that has greeted and has been sent nothing yet. Takes no more than
 * the connection does at a time, however large they are. Never throws for what the host does.
 */
export async function upload(
  channel: ByteChannel,
  files: readonly UploadFile[],
  options: UploadOptions & { readonly secrets: SecretBook },
): Promise<UploadResult> {
  const token = randomBytes(16).toString('hex');
  const words = files.flatMap(({ path, size, sha256 }) => [path, String(size), sha256]);
  const call = ['skerry_receive', ...words.map((word) => posixQuote(word))].join(' ');
  const told = new Lines(channel, token);
  const idle = options.idle ?? 60_000;
  let current = 0;
  let timer: NodeJS.Timeout | undefined;
  const halted = Promise.withResolvers<Halt>();
  const patience = (milliseconds: number): void => {
    clearTimeout(timer);
    timer = setTimeout(
      () => halted.resolve({ outcome: 'timedOut', reason: `nothing moved for ${milliseconds} ms` }),
      milliseconds,
    );
  };
  const onAbort = (): void => halted.resolve({ outcome: 'aborted', reason: 'aborted' });
  options.signal?.addEventListener('abort', onAbort);
  void channel.ended.then((ending) => halted.resolve(haltOf(ending)));
  /** What `wait` gives, or how everything ended before that. */
  const orHalt = <T>(wait: Promise<T>): Promise<T | Halt> => Promise.race([wait, halted.promise]);

  const run = async (): Promise<Halt | undefined> => {
    patience(idle);
    channel.write(Buffer.from(`${receive(token)}\n${call}; exit\n`));
    for (const [index, file] of files.entries()) {
      const ready = await orHalt(told.next());
      if (typeof ready === 'object') return ready;
      current = index;
      const stopped = await send(index, file);
      if (stopped !== undefined) return stopped;
      patience(idle + (1000 * file.size) / SLOWEST);
    }
    const end = await orHalt(told.next());
    return typeof end === 'object' ? end : undefined;
  };

  const send = async (index: number, file: UploadFile): Promise<Halt | undefined> => {
    let sent = 0;
    const source = file.open();
    try {
      const iterator = source[Symbol.asyncIterator]() as AsyncIterator<Buffer, undefined>;
      for (;;) {
        const next = await orHalt(iterator.next());
        if ('outcome' in next) return next;
        if (next.done === true) break;
        const chunk = next.value;
        const excess = sent + chunk.length > file.size;
        sent += chunk.length;
        if (excess) break;
        patience(idle);
        if (!channel.stdin.write(chunk)) {
          const { promise, resolve } = Promise.withResolvers<undefined>();
          const drained = (): void => resolve(undefined);
          channel.stdin.once('drain', drained);
          const halt = await orHalt(promise);
          channel.stdin.off('drain', drained);
          if (halt !== undefined) return halt;
        }
        options.onProgress?.(index, sent);
      }
    } catch (error) {
      return { outcome: 'failed', reason: error instanceof Error ? error.message : String(error) };
    } finally {
      source.destroy();
    }
    if (sent === file.size) return undefined;
    const found = sent > file.size ? 'more' : String(sent);
    return { outcome: 'failed', reason: `${file.size} bytes were to be sent, and it has ${found}` };
  };

  try {
    if (options.signal?.aborted === true) onAbort();
    const halt = await run();
    // Status 0 says that every file has its name, also where it is seen before the last line, or
    // before the end of the source.
    if (halt === undefined || halt.code === 0) return { outcome: 'stored' };
    const { outcome, reason } = halt;
    const said = options.secrets.conceal(told.errors());
    return { outcome, file: current, reason: outcome === 'failed' && said !== '' ? said : reason };
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', onAbort);
    channel.close();
  }
}

interface Halt {
  readonly outcome: 'failed' | 'lost' | 'timedOut' | 'aborted';
  readonly reason: string;
  /** With which the shell ended. */
  readonly code?: number;
}

function haltOf(ending: Ending): Halt {
  switch (ending.how) {
    case 'exit':
      return {
        outcome: 'failed',
        reason: `the host ended it with status ${ending.code}`,
        code: ending.code,
      };
    case 'signal':
      return { outcome: 'lost', reason: `it was ended by SIG${ending.signal.replace(/^SIG/, '')}` };
    case 'lost':
      return { outcome: 'lost', reason: ending.reason };
  }
}

/** The answers of the host, one after the other, and the end of what it complained of. */
class Lines {
  readonly #waiting: ((line: string) => void)[] = [];
  readonly #lines: string[] = [];
  #text = '';
  #errors = '';

  constructor(channel: ByteChannel, token: string) {
    channel.stdout.on('data', (chunk: Buffer) => {
      this.#text = (this.#text + chunk.toString('latin1')).slice(-4096);
      for (let end = this.#text.indexOf('\n'); end >= 0; end = this.#text.indexOf('\n')) {
        const line = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 1);
        if (line.startsWith(`${token} `)) this.#tell(line);
      }
    });
    channel.stderr.on('data', (chunk: Buffer) => {
      this.#errors = (this.#errors + chunk.toString('utf8')).slice(-4096);
    });
  }

  next(): Promise<string> {
    const line = this.#lines.shift();
    if (line !== undefined) return Promise.resolve(line);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  errors(): string {
    return this.#errors.trim().split('\n').slice(-5).join('\n');
  }

  #tell(line: string): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#lines.push(line);
    else waiting(line);
  }
}
