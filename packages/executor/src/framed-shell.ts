import { isUtf8 } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import type { ByteChannel, Ending } from './byte-channel.ts';
import { type Frame, FrameReader } from './frame-reader.ts';
import { LineFeed } from './line-feed.ts';
import { renderScript } from './script.ts';
import type { SecretBook } from './secret-book.ts';
import type { Part, PartResult, RunOptions, RunResult, Shell } from './shell.ts';

export interface FramedShellOptions {
  readonly secrets: SecretBook;
  /** Told each script as it is sent, with tokens in place of secrets. */
  readonly onSend: (script: string) => void;
}

type Failure = Exclude<RunResult, { outcome: 'exited' }>;

/** setTimeout takes no more; some 24 days. */
const LONGEST_TIMER = 2 ** 31 - 1;
/** More output of one run than this, in bytes and for each stream, is not kept: the run ends. */
const MOST_OUTPUT = 64 * 1024 * 1024;
/** How long a shell may take to end after its standard input was closed. */
const CLOSE_MILLISECONDS = 2000;

/** Runs scripts on one `sh -s`, one after the other, and splits its output by part. */
export class FramedShell implements Shell {
  readonly #channel: ByteChannel;
  readonly #options: FramedShellOptions;
  #queue: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;
  #dead: string | undefined;
  #running = false;

  constructor(channel: ByteChannel, options: FramedShellOptions) {
    this.#channel = channel;
    this.#options = options;
    void this.#noteEnd();
    channel.stdout.resume();
    channel.stderr.resume();
  }

  run(parts: readonly Part[], options: RunOptions): Promise<RunResult> {
    const run = this.#queue.then(() => this.#run(parts, options));
    this.#queue = run.catch(() => {});
    return run;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #noteEnd(): Promise<void> {
    const ending = await this.#channel.ended;
    this.#dead ??= describe(ending);
  }

  async #close(): Promise<void> {
    this.#dead ??= 'the shell was closed';
    if (this.#running) this.#channel.kill();
    else this.#channel.end();
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise((resolve) => {
      timer = setTimeout(resolve, CLOSE_MILLISECONDS);
    });
    await Promise.race([this.#channel.ended, patience]);
    clearTimeout(timer);
    this.#channel.close();
  }

  async #run(parts: readonly Part[], options: RunOptions): Promise<RunResult> {
    const { secrets } = this.#options;
    const nonce = randomBytes(16).toString('hex');
    const shown = renderScript(parts, { nonce });
    const revealed = parts.map((part) => {
      const args = part.args.map((arg) => secrets.reveal(arg));
      return { ...part, args };
    });
    const sent = renderScript(revealed, { nonce });
    if (this.#dead !== undefined) return { outcome: 'lost', parts: [], reason: this.#dead };
    if (options.signal?.aborted === true)
      return this.#fail('aborted', [], abortReason(options.signal));
    if (parts.length === 0) return { outcome: 'exited', parts: [] };

    this.#running = true;
    try {
      return await this.#exchange(
        nonce,
        () => {
          this.#options.onSend(shown);
          this.#channel.write(Buffer.from(sent));
        },
        options,
      );
    } finally {
      this.#running = false;
    }
  }

  #exchange(nonce: string, send: () => void, options: RunOptions): Promise<RunResult> {
    const { stdout, stderr, ended } = this.#channel;
    const { secrets } = this.#options;
    const done: PartResult[] = [];
    const frames: { stdout: Frame[]; stderr: Frame[] } = { stdout: [], stderr: [] };

    return new Promise<RunResult>((resolve) => {
      let settled = false;
      const settle = (result: () => RunResult): void => {
        if (settled) return;
        settled = true;
        clearTimeout(timer);
        options.signal?.removeEventListener('abort', onAbort);
        stdout.off('data', onStdout);
        stderr.off('data', onStderr);
        stdout.resume();
        stderr.resume();
        resolve(result());
      };
      const feed = (stream: 'stdout' | 'stderr'): LineFeed =>
        new LineFeed(secrets, (part, text) => options.onOutput?.(part, stream, text));
      const feeds = { stdout: feed('stdout'), stderr: feed('stderr') };
      const onFrame = (stream: 'stdout' | 'stderr', frame: Frame): void => {
        feeds[stream].flush();
        frames[stream].push(frame);
        const [out] = frames.stdout;
        const [err] = frames.stderr;
        if (out === undefined || err === undefined) return;
        frames.stdout.shift();
        frames.stderr.shift();
        if (out.part === undefined) settle(() => ({ outcome: 'exited', parts: done }));
        else done.push(...partResults(out, err, out.part - done.length, secrets));
      };
      const reader = (stream: 'stdout' | 'stderr'): FrameReader =>
        new FrameReader(
          nonce,
          (frame) => onFrame(stream, frame),
          options.onOutput === undefined ? undefined : (bytes) => feeds[stream].push(bytes),
        );
      const readers = { stdout: reader('stdout'), stderr: reader('stderr') };
      const onBytes = (stream: 'stdout' | 'stderr', chunk: Buffer): void => {
        readers[stream].push(chunk);
        if (readers[stream].taken <= MOST_OUTPUT) return;
        const reason = `part ${done.length + 1} printed more than ${MOST_OUTPUT >> 20} MiB on ${stream}, and the connection was ended`;
        settle(() => this.#fail('lost', done, reason));
      };
      const onStdout = (chunk: Buffer): void => onBytes('stdout', chunk);
      const onStderr = (chunk: Buffer): void => onBytes('stderr', chunk);
      const onAbort = (): void =>
        settle(() => this.#fail('aborted', done, abortReason(options.signal)));
      const timer = setTimeout(
        () => settle(() => this.#fail('timedOut', done, `no end within ${options.deadline} ms`)),
        Math.min(Math.max(options.deadline, 0), LONGEST_TIMER),
      );

      stdout.on('data', onStdout);
      stderr.on('data', onStderr);
      options.signal?.addEventListener('abort', onAbort);
      const onEnd = (ending: Ending): void => {
        const outcome = ending.how === 'signal' ? 'signalled' : 'lost';
        const said = lastLines(readers.stderr.rest());
        const reason = said === '' ? describe(ending) : `${describe(ending)}: ${said}`;
        settle(() => this.#fail(outcome, done, secrets.conceal(reason)));
      };
      ended.then(onEnd, () => {});
      send();
    });
  }

  #fail(outcome: Failure['outcome'], parts: readonly PartResult[], reason: string): Failure {
    this.#dead = reason;
    this.#channel.kill();
    return { outcome, parts: [...parts], reason };
  }
}

/** `unanswered` parts before this one share its end: they were joined with it. */
function partResults(
  out: Frame,
  err: Frame,
  unanswered: number,
  secrets: SecretBook,
): PartResult[] {
  const result = {
    code: unanswered > 0 ? out.status || 1 : out.status,
    stdout: secrets.conceal(out.content.toString('utf8')),
    stderr: secrets.conceal(err.content.toString('utf8')),
    utf8: isUtf8(out.content),
  };
  return Array.from({ length: unanswered + 1 }, () => result);
}

function describe(ending: Ending): string {
  switch (ending.how) {
    case 'exit':
      return `the shell ended with status ${ending.code}`;
    case 'signal':
      return `the shell was ended by SIG${ending.signal.replace(/^SIG/, '')}`;
    case 'lost':
      return ending.reason;
  }
}

function abortReason(signal: AbortSignal | undefined): string {
  const reason: unknown = signal?.reason;
  return reason instanceof Error ? reason.message : 'aborted';
}

/** At most five lines of what a shell said before it ended. */
function lastLines(bytes: Buffer): string {
  return bytes.toString('utf8').trim().split('\n').slice(-5).join('\n');
}
