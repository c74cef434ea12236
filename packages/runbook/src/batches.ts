import { DiagnosticError } from '@skerry/diagnostics';

/** How many hosts at a time: a number, a share of all of them, or a list whose last entry repeats. */
export type Serial = number | `${number}%` | readonly (number | `${number}%`)[];

function sizeOf(entry: number | `${number}%`, total: number): number {
  const size =
    typeof entry === 'number' ? entry : Math.floor((total * Number.parseFloat(entry)) / 100);
  const valid =
    typeof entry === 'number'
      ? Number.isInteger(entry) && entry > 0
      : /^\d+(\.\d+)?%$/.test(entry) &&
        Number.parseFloat(entry) > 0 &&
        Number.parseFloat(entry) <= 100;
  if (!valid) {
    throw new DiagnosticError({
      code: 'bad-serial',
      severity: 'error',
      what: `serial: ${JSON.stringify(entry)} is no number of hosts`,
      fix: 'write a whole number from 1 on, or a percentage from above 0% to 100%',
    });
  }
  return Math.max(1, size);
}

/** @throws DiagnosticError `bad-serial` where an entry is no number of hosts. */
export function checkSerial(serial: Serial): void {
  const entries = typeof serial === 'object' ? serial : [serial];
  for (const entry of entries.length === 0 ? ([0] as const) : entries) sizeOf(entry, 1);
}

/**
 * Splits `items` into the batches of `serial`, in order. A percentage is of all items and rounded
 * down, so that never more than that share is worked on at once, but a batch holds at least one.
 * Without `serial` there is one batch.
 */
export function batches<T>(items: readonly T[], serial: Serial | undefined): (readonly T[])[] {
  if (items.length === 0) return [];
  if (serial === undefined) return [items];
  const entries = typeof serial === 'object' ? serial : [serial];
  const out: (readonly T[])[] = [];
  let start = 0;
  let index = 0;
  while (start < items.length) {
    const entry = entries[Math.min(index, entries.length - 1)] ?? 1;
    const size = sizeOf(entry, items.length);
    out.push(items.slice(start, start + size));
    start += size;
    index += 1;
  }
  return out;
}

/** Whether `failed` of `total` hosts is more than `percentage` allows. */
export function tooManyFailed(failed: number, total: number, percentage: number): boolean {
  return failed > 0 && failed * 100 > percentage * total;
}
