/**
 * A small terminal: text, line feeds, `CSI nA` (up) and `CSI 0J` (clear to the end), with lines
 * that break at the last column and, like most terminals, flow anew when it is resized.
 */
export class Screen {
  columns: number;
  rows: number;
  /** Logical lines; the one with the cursor is the last one written to. */
  #lines: string[] = [''];
  #cursor = 0;

  constructor(rows: number, columns: number) {
    this.rows = rows;
    this.columns = columns;
  }

  resize(rows: number, columns: number): void {
    this.rows = rows;
    this.columns = columns;
  }

  /** Rows between the top of the screen and the cursor, after what scrolled away. */
  get rowOfCursor(): number {
    return Math.min(
      this.rows - 1,
      this.#heights()
        .slice(0, this.#cursor)
        .reduce((a, b) => a + b, 0),
    );
  }

  write(text: string): void {
    // oxlint-disable-next-line no-control-regex -- control sequences start with ESC
    for (const piece of text.split(/(\n|\r|\u001b\[\d*[A-Z])/)) {
      // oxlint-disable-next-line no-control-regex -- the same
      const up = /^\u001b\[(\d+)A$/.exec(piece);
      if (up !== null) this.#up(Number(up[1]));
      else if (piece === '\u001b[0J') this.#lines = [...this.#lines.slice(0, this.#cursor), ''];
      else if (piece === '\n') this.#down();
      else if (piece.startsWith('\u001b')) throw new Error(`unknown: ${JSON.stringify(piece)}`);
      else if (piece !== '\r') this.#lines[this.#cursor] += piece;
    }
  }

  text(): string {
    return this.#lines.join('\n');
  }

  #heights(): number[] {
    return this.#lines.map((line) => Math.max(1, Math.ceil(line.length / this.columns)));
  }

  /** A cursor cannot go above the first row that is still on the screen. */
  #up(count: number): void {
    const heights = this.#heights();
    const limit = Math.min(count, this.rows - 1);
    let moved = 0;
    while (moved < limit && this.#cursor > 0) {
      this.#cursor -= 1;
      moved += heights[this.#cursor] ?? 1;
    }
  }

  #down(): void {
    this.#cursor += 1;
    if (this.#cursor === this.#lines.length) this.#lines.push('');
  }
}
