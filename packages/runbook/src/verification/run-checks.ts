import { ExitCode } from '@skerry/diagnostics';
import { since } from '../elapsed.ts';
import { Checking, type ChecksRequest } from './checking.ts';
import { countReports, type CheckReport } from './report.ts';

export interface ChecksOutcome {
  readonly reports: readonly CheckReport[];
  /** `locked` where another run holds the API's host; `hostsFailed` where a check failed. */
  readonly exitCode: ExitCode;
}

/**
 * Looks at a cluster: sets up what the checks need, unless `checking` has begun with it, reads the
 * cluster, runs the fragments of all checks in one script on each host, and takes the set-up away again,
 * whatever happened. Checks that may settle are tried again for a while. What came of each is told by an
 * event; nothing is thrown for what a host or the cluster did.
 */
export async function runChecks(
  request: ChecksRequest,
  checking = new Checking(request),
): Promise<ChecksOutcome> {
  const started = performance.now();
  const { cluster, emit } = request;
  const checks = checking.reports.map(({ id, title }) => ({ id, title }));
  emit({ type: 'verification-started', cluster, hosts: [...request.hosts], checks });
  try {
    await checking.all();
  } finally {
    await checking.tearDown();
  }
  const { reports } = checking;
  for (const { id, title, verdict } of reports) {
    const { status } = verdict;
    emit({
      type: 'check-finished',
      check: id,
      title,
      status,
      looked: status === 'skipped' ? '' : verdict.looked,
      reason: status === 'skipped' ? verdict.reason : '',
      findings: status === 'failed' ? [...verdict.findings] : [],
    });
  }
  const count = countReports(reports);
  emit({ type: 'verification-finished', ...count, milliseconds: since(started) });
  const exitCode = checking.locked
    ? ExitCode.locked
    : request.signal.aborted
      ? ExitCode.error
      : count.failed > 0
        ? ExitCode.hostsFailed
        : ExitCode.done;
  return { reports, exitCode };
}
