/**
 * Makes text from elsewhere (a host's output, a file name) harmless to a terminal: control
 * characters and characters that reverse the direction of text become visible escapes. Line feeds
 * and tabs stay.
 */
export function harmless(text: string): string {
  return text.replaceAll('\r\n', '\n').replaceAll(
    // oxlint-disable-next-line no-control-regex -- they are what is looked for
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    escaped,
  );
}

function escaped(character: string): string {
  const code = character.charCodeAt(0);
  return code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16)}`;
}

/** Applies `change` to every string in a plain value, keys of objects included. */
export function mapStrings<T>(value: T, change: (text: string) => string): T {
  if (typeof value === 'string') return change(value) as T;
  if (Array.isArray(value)) return value.map((item: unknown) => mapStrings(item, change)) as T;
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]: [string, unknown]) => [
        change(key),
        mapStrings(item, change),
      ]),
    ) as T;
  }
  return value;
}
