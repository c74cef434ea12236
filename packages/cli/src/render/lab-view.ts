import type { LabEvent } from '@skerry/lab';
import type { Output } from '../output.ts';
import { duration } from './duration.ts';
import { clip } from './layout.ts';
import { Region } from './region.ts';

/** What the lab does: a line for each stage, and on a terminal what is going on just now. */
export class LabView {
  readonly #output: Output;
  readonly #region: Region | undefined;
  readonly #running = new Map<string, { since: number; note: string }>();
  readonly #timer: NodeJS.Timeout | undefined;
  #paused = false;

  constructor(output: Output) {
    this.#output = output;
    if (!output.settings.live) return;
    this.#region = new Region({
      get columns() {
        return output.width;
      },
      write: (text) => output.control(text),
    });
    this.#timer = setInterval(() => this.#draw(), 250);
    this.#timer.unref();
  }

  event(event: LabEvent): void {
    const { json, verbose } = this.#output.settings;
    if (json) this.#json(event);
    const shown = this.#output.shown(event);
    switch (shown.type) {
      case 'stage-started':
        this.#running.set(shown.stage, { since: shown.at, note: '' });
        if (this.#region === undefined) this.#line(`lab: ${shown.stage} …`);
        return;
      case 'stage-ended': {
        this.#running.delete(shown.stage);
        const { colors } = this.#output;
        const sign = shown.ok ? colors.green('done') : colors.red('failed');
        this.#line(`lab: ${shown.stage}: ${sign} ${colors.dim(`(${duration(shown.took)})`)}`);
        return;
      }
      case 'note': {
        const stage = this.#running.get(shown.stage);
        if (stage !== undefined) stage.note = shown.text;
        if (verbose) this.#line(this.#output.colors.dim(`  ${shown.text}`));
        return;
      }
      case 'warning':
        this.#line(`${this.#output.colors.yellow('warning')}: ${shown.text}`);
    }
  }

  pause(): void {
    this.#paused = true;
    this.#region?.clear();
  }

  resume(): void {
    this.#paused = false;
  }

  close(): void {
    clearInterval(this.#timer);
    this.pause();
  }

  #line(text: string): void {
    if (this.#output.settings.json) return;
    this.#region?.clear();
    this.#output.print(text);
  }

  #json(event: LabEvent): void {
    const { type, ...rest } = event;
    const { stage, text, ok, took } = rest as Record<string, unknown>;
    this.#output.json(
      this.#output.concealed(
        Object.fromEntries(
          Object.entries({ type: 'lab', what: type, stage, text, ok, milliseconds: took }).filter(
            ([, value]) => value !== undefined,
          ),
        ),
      ),
    );
  }

  #draw(): void {
    if (this.#paused || this.#region === undefined) return;
    const { colors, width } = this.#output;
    const lines = [...this.#running].map(([stage, { since, note }]) => {
      const time = colors.dim(duration(Date.now() - since));
      return clip(`${colors.cyan('›')} lab: ${stage} ${time}  ${colors.dim(note)}`, width - 1);
    });
    this.#region.draw(lines);
  }
}
