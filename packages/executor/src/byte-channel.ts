import type { Readable } from 'node:stream';

/** How a remote or local process ended. */
export type Ending =
  | { readonly how: 'exit'; readonly code: number }
  | { readonly how: 'signal'; readonly signal: string }
  | { readonly how: 'lost'; readonly reason: string };

/** A process with three pipes, on whatever transport. */
export interface ByteChannel {
  readonly stdout: Readable;
  readonly stderr: Readable;
  write(bytes: Buffer): void;
  /** Closes standard input. */
  end(): void;
  /** Ends it for good, with the connection that it runs on. */
  kill(): void;
  /** Settles once, after all output has come; never rejects. */
  readonly ended: Promise<Ending>;
}
