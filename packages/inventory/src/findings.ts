import type { Diagnostic } from '@skerry/diagnostics';
import type { SourceText } from './source-text.ts';

export interface Place {
  readonly start: number;
  readonly end: number;
}

/** Collects what is wrong in one file, so that all of it is told in one go. */
export class Findings {
  readonly #found: Diagnostic[] = [];
  readonly source: SourceText;

  constructor(source: SourceText) {
    this.source = source;
  }

  add(
    place: Place,
    code: string,
    what: string,
    rest: { why?: string | undefined; fix?: string | undefined } = {},
  ): void {
    this.#found.push({
      code,
      severity: 'error',
      what,
      at: this.source.at(place.start, place.end),
      ...(rest.why === undefined ? {} : { why: rest.why }),
      ...(rest.fix === undefined ? {} : { fix: rest.fix }),
    });
  }

  addAll(diagnostics: readonly Diagnostic[]): void {
    this.#found.push(...diagnostics);
  }

  /** In the order of the file; what an alias brings up twice stands once. */
  all(): readonly Diagnostic[] {
    const seen = new Set<string>();
    return this.#found
      .filter((one) => {
        const key = JSON.stringify([one.code, one.what, one.at]);
        return !seen.has(key) && seen.add(key);
      })
      .toSorted((a, b) => offsetOf(a) - offsetOf(b));
  }
}

function offsetOf({ at }: Diagnostic): number {
  return at !== undefined && 'line' in at ? at.line * 1e6 + at.column : 0;
}
