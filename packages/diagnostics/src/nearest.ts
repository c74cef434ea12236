import { distance } from 'fastest-levenshtein';

/**
 * The name among `candidates` that `name` was probably meant to be, or undefined.
 * At most a third of the characters may differ, and never more than three; upper and lower case are
 * the same. A single letter is near to nothing but itself.
 */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  const most = name.length < 2 ? 0 : Math.min(3, Math.max(1, Math.floor(name.length / 3)));
  let bestDistance = most + 1;
  for (const candidate of candidates) {
    const d = distance(name.toLowerCase(), candidate.toLowerCase());
    if (d < bestDistance) {
      best = candidate;
      bestDistance = d;
    }
  }
  return best;
}

/** `did you mean "x"?`, or undefined where nothing is near. */
export function didYouMean(name: string, candidates: Iterable<string>): string | undefined {
  const near = nearest(name, candidates);
  return near === undefined ? undefined : `did you mean "${near}"?`;
}
