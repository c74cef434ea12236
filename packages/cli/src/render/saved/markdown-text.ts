/** A block of code whose fence is longer than any run of backticks in it. */
export function fenced(text: string): string {
  const longest = Math.max(2, ...Array.from(text.matchAll(/`+/g), ([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}diff\n${text}\n${fence}`;
}

/** Inline code of HTML: every sign that could mean something is an entity. */
export function code(text: string): string {
  const signs = text
    .replaceAll('\n', '⏎')
    .replaceAll(
      /[^\p{L}\p{N}\p{So} .,/()=%+;→⏎-]|(?<=www)\./giu,
      (sign) => `&#${sign.codePointAt(0)};`,
    );
  return `<code>${signs}</code>`;
}

export function clipped(text: string, length: number): string {
  if (text.length <= length) return text;
  return `${text.slice(0, length - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}
