/** Whole milliseconds since a time of `performance.now()`. */
export function since(start: number): number {
  return Math.round(performance.now() - start);
}
