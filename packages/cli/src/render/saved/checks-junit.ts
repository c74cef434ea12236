import type { CheckReport } from '@skerry/runbook';
import { findingLines } from '../checks-text.ts';
import { xml } from './xml.ts';

/** What `verify` found, for CI systems: a case for each check; what was not looked at is skipped. */
export function checksJunit(
  cluster: string,
  reports: readonly CheckReport[],
  run: { readonly started: Date; readonly milliseconds: number },
): string {
  const count = (status: string): number =>
    reports.filter(({ verdict }) => verdict.status === status).length;
  const numbers = `tests="${reports.length}" failures="${count('failed')}" errors="0" skipped="${count('skipped')}" time="${(run.milliseconds / 1000).toFixed(3)}"`;
  const cases = reports.flatMap(({ id, title, verdict }) => [
    `    <testcase classname="${xml(id)}" name="${xml(title)}" time="0">`,
    ...(verdict.status === 'failed'
      ? [
          `      <failure message="${xml(verdict.findings[0].what)}" type="failed">${xml(verdict.findings.flatMap(findingLines).join('\n'))}</failure>`,
        ]
      : []),
    ...(verdict.status === 'skipped' ? [`      <skipped message="${xml(verdict.reason)}"/>`] : []),
    ...(verdict.status === 'skipped'
      ? []
      : [`      <system-out>${xml(verdict.looked)}</system-out>`]),
    '    </testcase>',
  ]);
  const name = xml(`verify ${cluster}`);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="${name}" ${numbers}>`,
    `  <testsuite name="${name}" ${numbers} timestamp="${run.started.toISOString().replace('Z', '')}">`,
    ...cases,
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}
