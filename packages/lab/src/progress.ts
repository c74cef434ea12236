import { DiagnosticError } from '@skerry/diagnostics';

/** What the lab is doing; renderers subscribe. Times are milliseconds since the epoch. */
export type LabEvent =
  | { readonly type: 'stage-started'; readonly stage: string; readonly at: number }
  | {
      readonly type: 'stage-ended';
      readonly stage: string;
      readonly at: number;
      /** Milliseconds. */
      readonly took: number;
      readonly ok: boolean;
    }
  /** A line of a tool's output, or a remark; worth showing dimmed, or in the log only. */
  | { readonly type: 'note'; readonly stage: string; readonly text: string; readonly at: number }
  /** Something that the user should know although the lab goes on. */
  | { readonly type: 'warning'; readonly text: string; readonly at: number };

/** Reports stages to one listener. */
export class Progress {
  readonly #listener: (event: LabEvent) => void;
  readonly signal: AbortSignal | undefined;

  constructor(listener: (event: LabEvent) => void, signal?: AbortSignal) {
    this.#listener = listener;
    this.signal = signal;
  }

  /** Runs `work` as a named stage. An aborted lab starts no further stage. */
  async stage<T>(stage: string, work: (note: (text: string) => void) => Promise<T>): Promise<T> {
    this.stopIfAborted();
    const started = Date.now();
    this.#listener({ type: 'stage-started', stage, at: started });
    const end = (ok: boolean) => {
      const at = Date.now();
      this.#listener({ type: 'stage-ended', stage, at, took: at - started, ok });
    };
    try {
      const result = await work((text) => {
        this.#listener({ type: 'note', stage, text, at: Date.now() });
      });
      end(true);
      return result;
    } catch (error) {
      end(false);
      this.stopIfAborted();
      throw error;
    }
  }

  warn(text: string): void {
    this.#listener({ type: 'warning', text, at: Date.now() });
  }

  stopIfAborted(): void {
    if (this.signal?.aborted !== true) return;
    throw new DiagnosticError({
      code: 'lab-interrupted',
      severity: 'error',
      what: 'the lab was interrupted',
      why: 'what was made so far stays',
      fix: 'run `bootstrap lab up` to go on, or `bootstrap lab destroy` to remove it',
    });
  }
}
