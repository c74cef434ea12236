import { closeSync, mkdirSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { jsonLine } from './output.ts';

const kept = 50;

/**
 * The log of one run: every event with its time, one line of JSON each, in `logs/` of the state
 * folder, readable by its owner only. The newest 50 are kept.
 */
export class RunLog implements Disposable {
  readonly path: string;
  readonly #file: number;

  constructor(stateFolder: string, name: string, now: Date = new Date()) {
    const folder = join(stateFolder, 'logs');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const time = now.toISOString().replaceAll(':', '-');
    this.path = join(folder, `${time}-${name.replaceAll(/[^\w.-]+/g, '_')}-${process.pid}.jsonl`);
    this.#file = openSync(this.path, 'wx', 0o600);
    for (const old of readdirSync(folder).toSorted().slice(0, -kept)) {
      rmSync(join(folder, old), { force: true });
    }
  }

  /** `value` must hold no secret any more. */
  write(value: object): void {
    writeSync(this.#file, `${jsonLine({ time: new Date().toISOString(), ...value })}\n`);
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}
