import { spawnSync } from 'node:child_process';

/** A command to time: the program with its arguments, run to its end, output thrown away. */
export interface Command {
  readonly argv: readonly [string, ...string[]];
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

export interface Paired {
  /** Median wall time in milliseconds. */
  readonly ours: number;
  readonly theirs: number;
  /** Median of the ratios of each pair, ours by theirs, and the smallest and largest. */
  readonly ratio: number;
  readonly least: number;
  readonly most: number;
}

function time({ argv: [program, ...args], env, cwd }: Command): number {
  const start = performance.now();
  const { status, stderr, error } = spawnSync(program, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...env },
    cwd,
  });
  const milliseconds = performance.now() - start;
  if (status === 0) return milliseconds;
  const why = error?.message ?? stderr.toString();
  throw new Error(`${program} ${args.join(' ')} ended with ${status}: ${why}`);
}

/** NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

/** What the times of pairs in milliseconds, ours and theirs, come to. */
export function paired(times: readonly (readonly [ours: number, theirs: number])[]): Paired {
  const ratios = times.map(([a, b]) => a / b);
  return {
    ours: median(times.map(([a]) => a)),
    theirs: median(times.map(([, b]) => b)),
    ratio: median(ratios),
    least: Math.min(...ratios),
    most: Math.max(...ratios),
  };
}

/**
 * Times two commands in turn, ours and theirs, `rounds` times after one warm-up each. Machines drift;
 * the two of a pair run in the same minute, so the ratio holds where a single time does not.
 */
export function pairs(ours: Command, theirs: Command, rounds: number): Paired {
  time(ours);
  time(theirs);
  return paired(Array.from({ length: rounds }, () => [time(ours), time(theirs)] as const));
}
