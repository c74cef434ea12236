import type { Readable, Writable } from 'node:stream';

/** How a remote or local process ended. */
export type Ending =
  | { readonly how: 'exit'; readonly code: number }
  | { readonly how: 'signal'; readonly signal: string }
  | { readonly how: 'lost'; readonly reason: string };

/** A process with three pipes, on whatever transport. */
export interface ByteChannel {
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** For many bytes: tells when it can take no more. */
  readonly stdin: Writable;
  write(bytes: Buffer): void;
  /** Closes standard input. */
  end(): void;
  /** Lets go of this channel only. */
  close(): void;
  /**
   * Ends the connection that it runs on. A command that runs on a host goes on to its own end, as it
   * does behind every SSH client; its shell then finds nobody to write to, and runs nothing more.
   */
  kill(): void;
  /** Settles once, after all output has come (or soon after the end, where a daemon holds the pipes); never rejects. */
  readonly ended: Promise<Ending>;
}

/** How long output may still come after a process has ended; a daemon may hold its pipes for ever. */
export const LINGER_MILLISECONDS = 250;
