/**
 * Names of hosts, short: runs of numbers become a range as the inventory writes it
 * (`node-[01:20]`), from three in a row on. The order of the first names stays.
 */
export function hostNames(names: readonly string[]): string {
  const parts: string[] = [];
  let from = 0;
  while (from < names.length) {
    const first = names[from] ?? '';
    let to = from;
    while (to + 1 < names.length && names[to + 1] === successor(names[to] ?? '')) to += 1;
    const last = names[to] ?? '';
    if (to - from >= 2) {
      const [head, start] = numbered(first);
      const [, end] = numbered(last);
      parts.push(`${head}[${start}:${end}]`);
    } else {
      parts.push(...names.slice(from, to + 1));
    }
    from = to + 1;
  }
  return parts.join(', ');
}

/** `3 hosts`, `1 host`. */
export function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}

function numbered(name: string): readonly [string, string] {
  const digits = /\d+$/.exec(name)?.[0] ?? '';
  return [name.slice(0, name.length - digits.length), digits];
}

function successor(name: string): string | undefined {
  const [head, digits] = numbered(name);
  if (digits === '' || digits.length > 15) return undefined;
  return `${head}${String(Number(digits) + 1).padStart(digits.length, '0')}`;
}
