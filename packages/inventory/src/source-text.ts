import type { SourcePosition } from '@skerry/diagnostics';

const mask = '‹hidden›';

/** A file's text, and the way from offsets to positions. What was hidden stands in no position. */
export class SourceText {
  readonly file: string;
  readonly text: string;
  readonly #starts: number[] = [0];
  #hidden: (readonly [start: number, end: number])[] = [];

  constructor(file: string, text: string) {
    this.file = file;
    this.text = text;
    for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) {
      this.#starts.push(at + 1);
    }
  }

  /** Never shows the characters from `start` up to `end`: the user wrote a secret there. */
  hide(start: number, end: number): void {
    this.#hidden.push([start, end]);
    this.#hidden = this.#hidden.toSorted((a, b) => a[0] - b[0]);
  }

  /** The position of the characters from `start` up to `end` (at least one, on one line). */
  at(start: number, end: number = start + 1): SourcePosition {
    const line = this.#lineOf(start);
    const lineStart = this.#starts[line] ?? 0;
    const lineEnd = (this.#starts[line + 1] ?? this.text.length + 1) - 1;
    const shown = this.#show(lineStart, lineEnd, start);
    const length = shown.masked ? mask.length : Math.max(1, Math.min(end, lineEnd) - start);
    return {
      file: this.file,
      line: line + 1,
      column: shown.column,
      text: shown.text,
      length,
    };
  }

  /** `file:line`, to name a second place in a sentence. */
  lineAt(start: number): string {
    return `${this.file}:${this.#lineOf(start) + 1}`;
  }

  #lineOf(offset: number): number {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.#starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #show(
    lineStart: number,
    lineEnd: number,
    start: number,
  ): { text: string; column: number; masked: boolean } {
    let text = '';
    let at = lineStart;
    let column = start - lineStart + 1;
    let masked = false;
    for (const [from, to] of this.#hidden) {
      if (to <= at || from >= lineEnd) continue;
      const first = Math.max(from, at);
      const last = Math.min(to, lineEnd);
      text += this.text.slice(at, first);
      if (start >= first && start < last) {
        masked = true;
        column = text.length + 1;
      } else if (start >= last) {
        column += mask.length - (last - first);
      }
      text += mask;
      at = last;
    }
    text += this.text.slice(at, lineEnd);
    return { text: text.replace(/\r$/, ''), column, masked };
  }
}
