import { closeSync, mkdirSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Diagnostic } from '@skerry/diagnostics';
import { jsonLine } from './output.ts';

const kept = 50;

/**
 * The log of one run: every event with its time, one line of JSON each, in `logs/` of the state
 * folder, readable by its owner only. The newest 50 are kept. Where it cannot be written (a folder of
 * somebody else, a full disk) that is told once, and the run goes on without it.
 */
export class RunLog implements Disposable {
  readonly #folder: string;
  readonly #warn: (warning: Diagnostic) => void;
  #file: number | undefined;

  constructor(
    stateFolder: string,
    name: string,
    warn: (warning: Diagnostic) => void,
    now: Date = new Date(),
  ) {
    this.#folder = join(stateFolder, 'logs');
    this.#warn = warn;
    this.#try(() => {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      const time = now.toISOString().replaceAll(':', '-');
      const file = `${time}-${name.replaceAll(/[^\w.-]+/g, '_')}-${process.pid}.jsonl`;
      this.#file = openSync(join(this.#folder, file), 'wx', 0o600);
      for (const old of readdirSync(this.#folder).toSorted().slice(0, -kept)) {
        rmSync(join(this.#folder, old), { force: true });
      }
    });
  }

  /** `value` must hold no secret any more. */
  write(value: object): void {
    const file = this.#file;
    if (file === undefined) return;
    this.#try(() => {
      writeSync(file, `${jsonLine({ time: new Date().toISOString(), ...value })}\n`);
    });
  }

  [Symbol.dispose](): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #try(work: () => void): void {
    try {
      work();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === undefined) throw error;
      this[Symbol.dispose]();
      this.#warn({
        code: 'no-run-log',
        severity: 'warning',
        what: `the log of this run cannot be written to ${this.#folder}`,
        why: error instanceof Error ? error.message : String(error),
        fix: 'make that folder one that you can write to; the run goes on without a log',
      });
    }
  }
}
