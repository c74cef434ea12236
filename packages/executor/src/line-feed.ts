import { StringDecoder } from 'node:string_decoder';
import type { SecretBook } from './secret-book.ts';

/** Beyond this many characters without a newline, a line is handed on in pieces. */
const LONGEST_LINE = 64 * 1024;

/**
 * Hands on output as it comes: whole lines, decoded across chunks, secrets concealed. What may be
 * the beginning of a secret of several lines is kept back until its rest has come. A last line
 * without newline is handed on when its part has ended.
 */
export class LineFeed {
  readonly #secrets: SecretBook;
  readonly #emit: (part: number, text: string) => void;
  #decoder = new StringDecoder('utf8');
  #text = '';
  #part = 0;

  constructor(secrets: SecretBook, emit: (part: number, text: string) => void) {
    this.#secrets = secrets;
    this.#emit = emit;
  }

  push(bytes: Buffer): void {
    this.#text += this.#decoder.write(bytes);
    const safe = this.#text.length - this.#secrets.openEnd(this.#text);
    if (safe === 0) return;
    let end = this.#text.lastIndexOf('\n', safe - 1) + 1;
    for (;;) {
      const whole = this.#secrets.wholeUpTo(this.#text, end);
      if (whole === end) break;
      // A secret of several lines: back to the line that it begins in.
      end = whole === 0 ? 0 : this.#text.lastIndexOf('\n', whole - 1) + 1;
    }
    if (end === 0 && safe > LONGEST_LINE) end = this.#secrets.wholeUpTo(this.#text, safe);
    if (end > 0) this.#hand(end);
  }

  /** The part has ended; the next bytes belong to the next one. */
  flush(): void {
    this.#text += this.#decoder.end();
    if (this.#text !== '') this.#hand(this.#text.length);
    this.#decoder = new StringDecoder('utf8');
    this.#part += 1;
  }

  #hand(end: number): void {
    const text = this.#secrets.conceal(this.#text.slice(0, end));
    this.#text = this.#text.slice(end);
    this.#emit(this.#part, text);
  }
}
