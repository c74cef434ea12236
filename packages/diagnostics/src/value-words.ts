const types: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  record: 'a map',
};

/** What a reader calls a type of a schema: `text`, `a whole number`. */
export function typeName(type: string): string {
  return types[type] ?? type;
}

/** `"a", "b" or "c"`; without quotes for what is no word to write. */
export function alternatives(items: readonly string[], quoted = true): string {
  const shown = quoted ? items.map((item) => `"${item}"`) : items;
  if (shown.length < 2) return shown.join('');
  return `${shown.slice(0, -1).join(', ')} or ${shown.at(-1)}`;
}
