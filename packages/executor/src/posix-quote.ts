/** One word of POSIX sh that stands for exactly `value`, in dash, busybox sh and bash alike. */
export function posixQuote(value: string): string {
  return `'${value.replaceAll("'", `'\\''`)}'`;
}

/** Why `value` cannot be handed to a shell, or undefined when it can. */
export function unquotable(value: string): string | undefined {
  if (value.includes('\0')) return 'it holds a NUL character, and no shell can carry one';
  if (!value.isWellFormed()) return 'it holds half a surrogate pair, which has no UTF-8 form';
  return undefined;
}
