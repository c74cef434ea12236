import { formatDiagnostic, type Diagnostic } from '@skerry/diagnostics';
import pc from 'picocolors';
import { harmless, mapStrings } from './terminal-text.ts';

export type Colors = ReturnType<typeof pc.createColors>;

/** What stands between the program and the terminal: knows the secrets of the run. */
interface Concealer {
  conceal(text: string): string;
}

export interface OutputSettings {
  readonly json: boolean;
  readonly verbose: boolean;
  readonly color: boolean;
  /** Standard output is a terminal, and nothing asks for plain lines. */
  readonly live: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * What the options and the environment ask for: `NO_COLOR` and `--no-color` win over `FORCE_COLOR`,
 * that over the terminal; `CI`, a dumb terminal and `--json` make plain lines.
 */
export function outputSettings(
  options: { readonly json?: boolean; readonly verbose?: boolean; readonly color?: boolean },
  environment: Environment = process.env,
  terminal: boolean = process.stdout.isTTY,
): OutputSettings {
  const set = (name: string): boolean => (environment[name] ?? '') !== '';
  const json = options.json === true;
  const dumb = environment['TERM'] === 'dumb';
  const wanted = set('FORCE_COLOR') ? environment['FORCE_COLOR'] !== '0' : terminal && !dumb;
  return {
    json,
    verbose: options.verbose === true,
    color: wanted && !json && options.color !== false && !set('NO_COLOR'),
    live: terminal && !dumb && !json && !set('CI'),
  };
}

/** The one sink: all that the program prints goes through here, with secrets concealed. */
export class Output {
  readonly settings: OutputSettings;
  readonly colors: Colors;
  #concealer: Concealer = { conceal: (text) => text };

  constructor(settings: OutputSettings) {
    this.settings = settings;
    this.colors = pc.createColors(settings.color);
  }

  /** From now on, what `concealer` knows is not printed. */
  conceal(concealer: Concealer): void {
    this.#concealer = concealer;
  }

  /** Columns of the terminal; 100 where there is none. */
  get width(): number {
    return Math.max(40, process.stdout.columns ?? 100);
  }

  /** One or more lines for standard output, made of text that is harmless already and of colours. */
  print(text: string): void {
    process.stdout.write(`${this.#concealer.conceal(text)}\n`);
  }

  /** Like `print`, to standard error. */
  complain(text: string): void {
    process.stderr.write(`${this.#concealer.conceal(text)}\n`);
  }

  /** A finding as lines for `print` or `complain`. */
  diagnosticText(diagnostic: Diagnostic): string {
    return formatDiagnostic(this.shown(diagnostic), { color: this.settings.color });
  }

  /** Bytes that move the cursor, made by the live view only. */
  control(text: string): void {
    process.stdout.write(this.#concealer.conceal(text));
  }

  /** One line of JSON. Characters that could harm a terminal are escaped, as JSON escapes. */
  json(value: unknown): void {
    process.stdout.write(`${jsonLine(this.concealed(value))}\n`);
  }

  /** A copy of a plain value without secrets. */
  concealed<T>(value: T): T {
    return mapStrings(value, (text) => this.#concealer.conceal(text));
  }

  /** A copy of a plain value without secrets that can be shown on a terminal. */
  shown<T>(value: T): T {
    return mapStrings(value, (text) => harmless(this.#concealer.conceal(text)));
  }
}

/** JSON in one line; also DEL, C1 and direction marks are escaped, which JSON itself lets through. */
export function jsonLine(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
