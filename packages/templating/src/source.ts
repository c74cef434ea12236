import type { Diagnostic, SourcePosition } from '@skerry/diagnostics';

/** A template as it was loaded; `path` is shown in errors. */
export interface TemplateText {
  readonly text: string;
  readonly path: string;
}

/** Finds a template by name (`containerd/config.toml.hbs`); `names` is asked for "did you mean". */
export interface TemplateLoader {
  (name: string): TemplateText | undefined;
  readonly names?: () => Iterable<string>;
  /** Where it looks, for errors. */
  readonly folders?: readonly string[];
}

/** Where in the template; `line` counts from 1 and `column` from 0, as Handlebars does. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

export function positionOf(source: TemplateText, start: Place, length = 1): SourcePosition {
  const text = source.text.split('\n')[start.line - 1]?.replace(/\r$/, '') ?? '';
  return { file: source.path, line: start.line, column: start.column + 1, text, length };
}

/** A diagnostic of a template, an error. */
export function templateError(
  code: string,
  what: string,
  at: SourcePosition,
  rest: { readonly why?: string; readonly fix?: string | undefined } = {},
): Diagnostic {
  return {
    code,
    severity: 'error',
    what,
    at,
    ...(rest.why === undefined ? {} : { why: rest.why }),
    ...(rest.fix === undefined ? {} : { fix: rest.fix }),
  };
}
