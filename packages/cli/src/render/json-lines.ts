import type { RunEvent } from '@skerry/runbook';
import type { Renderer } from './renderer.ts';

/** Each event as one line of JSON; lines for people go to standard error. */
export class JsonLines implements Renderer {
  readonly #write: (value: unknown) => void;
  readonly #complain: (text: string) => void;

  constructor(write: (value: unknown) => void, complain: (text: string) => void) {
    this.#write = write;
    this.#complain = complain;
  }

  event(event: RunEvent): void {
    this.#write(event);
  }

  line(text: string): void {
    this.#complain(text);
  }

  pause(): void {}
  resume(): void {}
  close(): void {}
}
