import type { RunEvent } from '@skerry/runbook';
import type { Colors } from '../output.ts';
import { PlainLines } from './plain-lines.ts';
import { Progress } from './progress.ts';
import { Region } from './region.ts';
import type { Renderer } from './renderer.ts';

interface LiveTerminal {
  readonly columns: number;
  readonly rows: number;
  write(text: string): void;
}

export interface LiveViewOptions {
  readonly colors: Colors;
  readonly verbose: boolean;
  readonly terminal: LiveTerminal;
  /** Lines that stay. */
  readonly print: (text: string) => void;
  /** Milliseconds; for the running times that are shown. */
  readonly now?: () => number;
  /** Milliseconds between two drawings at least. */
  readonly interval?: number;
}

/** Progress at the bottom of a terminal; what should stay scrolls by above it. */
export class LiveView implements Renderer {
  readonly #options: LiveViewOptions;
  readonly #progress = new Progress();
  readonly #region: Region;
  readonly #lines: PlainLines;
  readonly #timer: NodeJS.Timeout;
  #paused = false;
  #stale = false;

  constructor(options: LiveViewOptions) {
    this.#options = options;
    this.#region = new Region(options.terminal);
    this.#lines = new PlainLines({
      colors: options.colors,
      width: () => options.terminal.columns,
      verbose: options.verbose,
      quiet: true,
      print: (text) => {
        this.#region.clear();
        options.print(text);
        this.#stale = true;
      },
    });
    const tick = options.interval ?? 100;
    let ticks = 0;
    this.#timer = setInterval(() => {
      ticks += 1;
      // Running times go on when nothing else happens.
      if (this.#stale || ticks % 10 === 0) this.draw();
    }, tick);
    this.#timer.unref();
  }

  event(event: RunEvent): void {
    this.#progress.apply(event, this.#now());
    if (event.type === 'run-finished') this.close();
    this.#lines.event(event);
    this.#stale = true;
  }

  line(text: string): void {
    this.#lines.line(text);
  }

  draw(): void {
    this.#stale = false;
    if (this.#paused) return;
    const { columns, rows } = this.#options.terminal;
    this.#region.draw(
      this.#progress.frame({
        rows: Math.max(1, rows - 2),
        // The last column stays free: some terminals break a line that fills it.
        width: columns - 1,
        now: this.#now(),
        colors: this.#options.colors,
      }),
    );
  }

  pause(): void {
    this.#paused = true;
    this.#region.clear();
  }

  resume(): void {
    this.#paused = false;
    this.#stale = true;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#paused = true;
    this.#region.clear();
  }

  #now(): number {
    return this.#options.now?.() ?? performance.now();
  }
}
