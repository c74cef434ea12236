import type { PartResult } from '@skerry/executor';
import type { Change, Fragment } from '@skerry/steps';
import type { ExpandedStep } from './expand.ts';

/** What the probe of one step said, as `diff` made it out: the changes, or why the state is unknown. */
export type StepReading =
  | { readonly changes: readonly Change[]; readonly observed?: unknown }
  | { readonly unreadable: string };

/**
 * Reads the answer to a step's probe, or gives what is to be asked next. A probe that failed or cannot be
 * parsed is unreadable, never "no change".
 */
export function readFirst(
  { kind, desired }: ExpandedStep,
  result: PartResult,
): StepReading | { readonly further: Fragment } {
  return read(result, () => {
    const observed: unknown = kind.parse(result, desired);
    const further = kind.probeFurther?.(desired, observed);
    return further === undefined
      ? { changes: kind.diff(desired, observed), observed }
      : { further };
  });
}

/** Reads both answers of a step: that to its probe, and that to what was asked further. */
export function readBoth(
  { kind, desired }: ExpandedStep,
  first: PartResult,
  second: PartResult,
): StepReading {
  const both: PartResult = {
    code: second.code,
    stdout: first.stdout + second.stdout,
    stderr: first.stderr + second.stderr,
    utf8: first.utf8 && second.utf8,
  };
  return read(both, () => {
    const observed: unknown = kind.parse(both, desired);
    return { changes: kind.diff(desired, observed), observed };
  });
}

function read<Read>(result: PartResult, by: () => Read): Read | { readonly unreadable: string } {
  if (result.code !== 0) {
    const reason = result.stderr.trim() || `the probe ended with status ${result.code}`;
    return { unreadable: reason };
  }
  try {
    return by();
  } catch (error) {
    return { unreadable: error instanceof Error ? error.message : String(error) };
  }
}
