import { DiagnosticError } from '@skerry/diagnostics';
import { posixQuote, unquotable } from './posix-quote.ts';
import type { Part } from './shell.ts';

export interface ScriptOptions {
  /** 32 lower-case hex digits, new for each run: marks the frames. */
  readonly nonce: string;
}

/**
 * Composes parts into one text of POSIX sh for the standard input of `sh -s`.
 *
 * The shell reads the text as one function and calls it with standard input from /dev/null, so that
 * no command can eat the rest of the script. Each distinct code becomes one function; its text is
 * handed to `eval` as a quoted word, so that a syntax error (an open quote, say) stays inside its
 * part and can never turn a value into code. After each part a frame `nonce index status` is written
 * to standard output and standard error; the last frame's index is `end`. The nonce is written in
 * two halves that never stand together in the text, so that `set -x` or `set -v` cannot forge one.
 * A part runs in a subshell, without file descriptor 9, which is for what the shell itself holds;
 * one marked `inShell` runs in the shell. After a `required` part that fails, the rest is left out.
 *
 * @throws DiagnosticError `unsendable` for a NUL or half a surrogate pair in a part.
 */
export function renderScript(parts: readonly Part[], options: ScriptOptions): string {
  refuseUnsendable(parts);
  const functions = new Map<string, string>();
  const nameOf = ({ code, inShell }: Part): string => `${inShell === true ? 'in' : 'sub'} ${code}`;
  for (const part of parts) {
    if (!functions.has(nameOf(part))) functions.set(nameOf(part), `skerry_${functions.size + 1}`);
  }
  const half = options.nonce.length / 2;
  const halves = `${options.nonce.slice(0, half)} ${options.nonce.slice(half)}`;
  const lines = [
    'skerry_script() {',
    'skerry_frame() {',
    `printf '%s%s %s %s\\n' ${halves} "$1" "$2"`,
    `printf '%s%s %s %s\\n' ${halves} "$1" "$2" >&2`,
    'return "$2"',
    '}',
  ];
  const defined = new Set<string>();
  for (const part of parts) {
    const name = functions.get(nameOf(part)) ?? '';
    if (defined.has(name)) continue;
    defined.add(name);
    const body = posixQuote(part.code);
    lines.push(
      part.inShell === true
        ? `${name}() { command eval ${body}; }`
        : `${name}() ( exec 9>&-; eval ${body} )`,
    );
  }
  lines.push('skerry_parts() {');
  for (const [index, part] of parts.entries()) {
    const call = [functions.get(nameOf(part)) ?? '', ...part.args.map((arg) => posixQuote(arg))];
    const guard = part.required === true ? ' || return 0' : '';
    lines.push(call.join(' '), `skerry_frame ${index} $?${guard}`);
  }
  lines.push(':', '}', 'skerry_parts', 'skerry_frame end 0', '}', 'skerry_script </dev/null', '');
  return lines.join('\n');
}

function refuseUnsendable(parts: readonly Part[]): void {
  const found = parts.flatMap(({ code, args }, part) =>
    [code, ...args].flatMap((text, index) => {
      const why = unquotable(text);
      if (why === undefined) return [];
      const which = index === 0 ? 'the code' : `argument ${index}`;
      return [
        {
          code: 'unsendable',
          severity: 'error',
          what: `${which} of part ${part + 1} cannot be sent to a shell`,
          why,
          fix: 'send such content as base64 and decode it on the host',
        } as const,
      ];
    }),
  );
  if (found.length > 0) throw new DiagnosticError(found);
}
