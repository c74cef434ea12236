import { columnsOf } from './layout.ts';

export interface Terminal {
  readonly columns: number;
  write(text: string): void;
}

/** Lines at the bottom of a terminal that are drawn again and again. */
export class Region {
  readonly #terminal: Terminal;
  #drawn: readonly string[] = [];

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  draw(lines: readonly string[]): void {
    const text = lines.map((line) => `${line}\n`).join('');
    this.#terminal.write(`${this.#erasure()}${text}`);
    this.#drawn = lines;
  }

  clear(): void {
    const erasure = this.#erasure();
    if (erasure !== '') this.#terminal.write(erasure);
    this.#drawn = [];
  }

  /** To the first line of what was drawn, which takes more rows in a terminal made narrower. */
  #erasure(): string {
    const columns = Math.max(1, this.#terminal.columns);
    const rows = this.#drawn.reduce((sum, line) => {
      return sum + Math.max(1, Math.ceil(columnsOf(line) / columns));
    }, 0);
    return rows === 0 ? '' : `\r\u001b[${rows}A\u001b[0J`;
  }
}
