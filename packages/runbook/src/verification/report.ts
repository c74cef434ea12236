import type { Finding, Verdict } from '@skerry/steps';
import type { Failure } from '../events.ts';

export interface CheckReport {
  readonly id: string;
  readonly title: string;
  readonly verdict: Verdict;
}

interface CheckCount {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export function countReports(reports: readonly CheckReport[]): CheckCount {
  const count = (status: Verdict['status']): number =>
    reports.filter(({ verdict }) => verdict.status === status).length;
  return { passed: count('passed'), failed: count('failed'), skipped: count('skipped') };
}

/** A failure of a host as a finding that names it. */
export function findingOf(host: string, { what, why, fix }: Failure): Finding {
  return {
    what: `${host}: ${what}`,
    ...(why === undefined ? {} : { why }),
    ...(fix === undefined ? {} : { fix }),
  };
}

/** Failed with findings; without any passed, or not looked at for the reason `otherwise`. */
export function verdictOf(
  looked: string,
  findings: readonly Finding[],
  otherwise?: string,
): Verdict {
  const [first, ...more] = findings;
  if (first !== undefined) return { status: 'failed', looked, findings: [first, ...more] };
  return otherwise === undefined
    ? { status: 'passed', looked }
    : { status: 'skipped', reason: otherwise };
}
