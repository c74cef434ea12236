/** A frame of one stream: everything that was written before it belongs to its part. */
export interface Frame {
  /** Index of the part, or undefined for the frame that ends the run. */
  readonly part: number | undefined;
  readonly status: number;
  readonly content: Buffer;
}

/** `nonce part status\n` is never longer than the nonce and this. */
const FRAME_TAIL = 32;

/** Splits one stream of a run into frames, byte for byte, however the chunks are cut. */
export class FrameReader {
  readonly #marker: Buffer;
  readonly #onFrame: (frame: Frame) => void;
  readonly #onContent: (bytes: Buffer) => void;
  /** Bytes of content that have come so far, in all frames. */
  taken = 0;
  #content: Buffer[] = [];
  #pending: Buffer = Buffer.alloc(0);

  /** `onContent` is called with bytes as soon as it is certain that they are no part of a frame. */
  constructor(
    nonce: string,
    onFrame: (frame: Frame) => void,
    onContent: (bytes: Buffer) => void = () => {},
  ) {
    this.#marker = Buffer.from(`${nonce} `);
    this.#onFrame = onFrame;
    this.#onContent = onContent;
  }

  push(chunk: Buffer): void {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    for (;;) {
      const at = this.#pending.indexOf(this.#marker);
      if (at < 0) {
        this.#take(this.#pending.length - this.#openEnd());
        return;
      }
      this.#take(at);
      const newline = this.#pending.indexOf(10);
      if (newline < 0 && this.#pending.length < this.#marker.length + FRAME_TAIL) return;
      const match = /^(end|\d+) (\d+)$/.exec(
        this.#pending.toString('latin1', this.#marker.length, Math.max(newline, 0)),
      );
      if (match === null) {
        this.#take(this.#marker.length);
        continue;
      }
      this.#pending = this.#pending.subarray(newline + 1);
      const content = Buffer.concat(this.#content);
      this.#content = [];
      this.#onFrame({
        part: match[1] === 'end' ? undefined : Number(match[1]),
        status: Number(match[2]),
        content,
      });
    }
  }

  /** What came since the last frame. */
  rest(): Buffer {
    return Buffer.concat([...this.#content, this.#pending]);
  }

  /** How many bytes at the end may be the beginning of a marker. */
  #openEnd(): number {
    const { length } = this.#pending;
    for (let size = Math.min(length, this.#marker.length - 1); size > 0; size--) {
      if (this.#pending.subarray(length - size).equals(this.#marker.subarray(0, size))) return size;
    }
    return 0;
  }

  #take(length: number): void {
    if (length === 0) return;
    const bytes = this.#pending.subarray(0, length);
    this.#pending = this.#pending.subarray(length);
    this.taken += length;
    this.#content.push(bytes);
    this.#onContent(bytes);
  }
}
