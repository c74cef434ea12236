const units: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1, ms: 0.001 };

/** `1m30s`, as Go writes it, in seconds. */
export function exactSecondsOf(duration: string): number {
  const parts = [...duration.matchAll(/([\d.]+)(ms|h|m|s)/g)];
  return parts.reduce(
    (sum, [, amount, unit]) => sum + Number(amount) * (units[unit ?? ''] ?? 0),
    0,
  );
}

/** The same in whole seconds, rounded up. */
export function secondsOf(duration: string): number {
  return Math.ceil(exactSecondsOf(duration));
}
