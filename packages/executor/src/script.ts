import { DiagnosticError } from '@skerry/diagnostics';
import { posixQuote, unquotable } from './posix-quote.ts';
import type { Part } from './shell.ts';

export interface ScriptOptions {
  /** 32 lower-case hex digits, new for each run: marks the frames. */
  readonly nonce: string;
}

/** So many parts are joined at most: a command line with their arguments must not grow too long. */
const mostJoined = 200;

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
 * Parts that are joined have one subshell, and a frame each: `next` writes those between two answers.
 * Where the code ends before it has answered for all, the frame of the last one stands for the rest.
 *
 * @throws DiagnosticError `unsendable` for a NUL or half a surrogate pair in a part.
 */
export function renderScript(parts: readonly Part[], options: ScriptOptions): string {
  refuseUnsendable(parts);
  const functions = new Map<string, string>();
  const nameOf = (part: Part): string => `${wayOf(part)} ${part.code}`;
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
    lines.push(`${name}() ${bodies[wayOf(part)](posixQuote(part.code))}`);
  }
  lines.push('skerry_parts() {');
  for (const { first, members } of calls(parts)) {
    const [part] = members;
    const number = wayOf(part) === 'joined' ? [String(first)] : [];
    const args = members.flatMap((member) => member.args.map((arg) => posixQuote(arg)));
    const guard = part.required === true ? ' || return 0' : '';
    lines.push(
      [functions.get(nameOf(part)) ?? '', ...number, ...args].join(' '),
      `skerry_frame ${first + members.length - 1} $?${guard}`,
    );
  }
  lines.push(':', '}', 'skerry_parts', 'skerry_frame end 0', '}', 'skerry_script </dev/null', '');
  return lines.join('\n');
}

type Way = 'inShell' | 'alone' | 'joined';

function wayOf(part: Part): Way {
  if (part.inShell === true) return 'inShell';
  return part.joins === true ? 'joined' : 'alone';
}

const bodies: Readonly<Record<Way, (code: string) => string>> = {
  inShell: (code) => `{ command eval ${code}; }`,
  alone: (code) => `( exec 9>&-; eval ${code} )`,
  joined: (code) =>
    `( exec 9>&-; skerry_part=$1; shift; next() { skerry_frame "$skerry_part" "$1"; skerry_part=$((skerry_part + 1)); }; eval ${code} )`,
};

interface Call {
  /** Index of the first member. */
  readonly first: number;
  readonly members: [Part, ...Part[]];
}

/** One call for each part, or for several that stand together and are joined. */
function calls(parts: readonly Part[]): Call[] {
  const found: Call[] = [];
  for (const [index, part] of parts.entries()) {
    const last = found.at(-1);
    const joins =
      wayOf(part) === 'joined' &&
      last?.members[0].joins === true &&
      last.members[0].code === part.code &&
      last.members.length < mostJoined;
    if (joins) last.members.push(part);
    else found.push({ first: index, members: [part] });
  }
  return found;
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
