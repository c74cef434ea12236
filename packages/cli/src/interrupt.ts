import { ExitCode } from '@skerry/diagnostics';
import { onOutputClosed } from './closed-output.ts';

export interface Interrupt extends Disposable {
  /** Aborted by the first Ctrl-C: start nothing new. */
  readonly signal: AbortSignal;
  /** Aborted by the second one: cut off what runs. */
  readonly kill: AbortSignal;
}

/**
 * Ctrl-C (and SIGTERM): the first one ends the run cleanly with a recap, the second one cuts off
 * the running steps, the third one leaves at once. With `changing`, a reader of standard output that
 * goes away counts as the first one: nobody would see what is changed.
 */
export function onInterrupt(
  tell: (text: string) => void,
  { changing = false }: { readonly changing?: boolean } = {},
): Interrupt {
  const stop = new AbortController();
  const kill = new AbortController();
  let over = false;
  const handle = (): void => {
    // One more while the program ends must not replace its exit code.
    if (over) return;
    if (!stop.signal.aborted) {
      tell('Stopping: running steps may end, nothing new is started. Ctrl-C again cuts them off.');
      stop.abort(new DOMException('stopped by Ctrl-C', 'AbortError'));
    } else if (!kill.signal.aborted) {
      tell(
        'Cutting off running steps: their outcome will be unknown. Ctrl-C again leaves at once.',
      );
      kill.abort(new DOMException('cut off by Ctrl-C', 'AbortError'));
    } else {
      process.exit(ExitCode.outcomeUnknown);
    }
  };
  process.on('SIGINT', handle);
  process.on('SIGTERM', handle);
  const reader = onOutputClosed(() => {
    if (changing) stop.abort();
  });
  return {
    signal: stop.signal,
    kill: kill.signal,
    [Symbol.dispose]() {
      reader[Symbol.dispose]();
      over = true;
      if (stop.signal.aborted) return;
      process.off('SIGINT', handle);
      process.off('SIGTERM', handle);
    },
  };
}
