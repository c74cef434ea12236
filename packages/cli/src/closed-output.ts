/** What is to be done when nobody reads standard output any more. */
const waiting = new Set<() => void>();
let closed = false;

/**
 * A reader that went away (`bootstrap plan … | head`) is no error: what is written after that is
 * dropped. Every other error of the streams is thrown.
 */
export function dropOutputWithoutReader(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_DESTROYED') throw error;
      if (stream !== process.stdout || closed) return;
      closed = true;
      for (const act of waiting) act();
    });
  }
}

/** Calls `act` once when standard output has no reader any more; dispose to be left alone. */
export function onOutputClosed(act: () => void): Disposable {
  if (closed) act();
  else waiting.add(act);
  return {
    [Symbol.dispose]: () => {
      waiting.delete(act);
    },
  };
}
