/** More than this in one range is taken for a mistake. */
const rangeLimit = 10_000;

export type Expansion =
  | { readonly texts: readonly string[] }
  | { readonly fault: { readonly why: string; readonly fix?: string } };

const rangePattern = /\[([0-9]+|[a-z]):([0-9]+|[a-z])(?::([0-9]+))?\]/;

/** Whether a text holds a range `[01:20]`, or something in brackets that was meant to be one. */
export function hasRange(text: string): boolean {
  return /[[\]]/.test(text);
}

/**
 * All texts that a text with ranges stands for, in order: `node-[01:03]` gives `node-01`, `node-02`,
 * `node-03`; `[1:9:2]` counts in twos; `[a:c]` counts letters; both ends are included, and a leading
 * zero in the first end sets the width. With several ranges the last one counts fastest.
 */
export function expandRanges(text: string): Expansion {
  let texts = [''];
  let rest = text;
  for (;;) {
    const match = rangePattern.exec(rest);
    const head = match === null ? rest : rest.slice(0, match.index);
    if (/[[\]]/.test(head)) return { fault: bracketFault(text) };
    if (match === null) return { texts: texts.map((prefix) => prefix + head) };
    const items = itemsOf(match[1] ?? '', match[2] ?? '', match[3]);
    if ('fault' in items) return items;
    if (texts.length * items.texts.length > rangeLimit) {
      return { fault: tooLarge(texts.length * items.texts.length) };
    }
    texts = texts.flatMap((prefix) => items.texts.map((item) => prefix + head + item));
    rest = rest.slice(match.index + match[0].length);
  }
}

function tooLarge(count: number): { why: string; fix: string } {
  return {
    why: `it stands for ${count} names; the limit is ${rangeLimit}`,
    fix: 'correct the end of the range, or split it',
  };
}

function bracketFault(text: string): { why: string; fix?: string } {
  const why = 'a range is [FIRST:LAST] or [FIRST:LAST:STEP], with numbers or single letters a to z';
  const dashed = /\[([0-9]+|[a-z])(?:-|\.\.)([0-9]+|[a-z])\]/.exec(text);
  return dashed === null ? { why } : { why, fix: `write [${dashed[1]}:${dashed[2]}]` };
}

function itemsOf(first: string, last: string, step: string | undefined): Expansion {
  const by = step === undefined ? 1 : Number(step);
  const numeric = /^\d+$/.test(first);
  if (numeric !== /^\d+$/.test(last)) {
    return { fault: { why: `"${first}" and "${last}" are not of one sort` } };
  }
  if (by < 1) return { fault: { why: 'the step is 0', fix: 'write a step of 1 or more' } };
  const from = numeric ? Number(first) : first.charCodeAt(0);
  const to = numeric ? Number(last) : last.charCodeAt(0);
  if (from > to) {
    return {
      fault: {
        why: `it runs backwards: ${first} is above ${last}`,
        fix: `write [${last}:${first}${step === undefined ? '' : `:${step}`}]`,
      },
    };
  }
  const count = Math.floor((to - from) / by) + 1;
  if (count > rangeLimit) return { fault: tooLarge(count) };
  const width = first.startsWith('0') ? first.length : 0;
  const texts = Array.from({ length: count }, (_, index) => {
    const value = from + index * by;
    return numeric ? String(value).padStart(width, '0') : String.fromCharCode(value);
  });
  return { texts };
}
