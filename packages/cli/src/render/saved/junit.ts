import { counted, hostNames } from '../host-names.ts';
import { confidenceText, isRefused, stepText, type PlanReport } from './report.ts';
import { xml } from './xml.ts';

/**
 * A plan for CI systems that show test reports alone: a suite for each play, a case for each change
 * (the same on several hosts is one). A refused step fails; what would be changed is in system-out.
 */
export function planJunit(report: PlanReport): string {
  const suites = report.plays.map(({ play, blocks }) => {
    const cases = blocks.flatMap(({ hosts, steps }) =>
      steps.map((step) => {
        const name = `${step.id} (${counted(hosts.length, 'host')})`;
        const about = `hosts: ${hostNames(hosts)}\nconfidence: ${confidenceText(step)}`;
        const failure = isRefused(step)
          ? [`      <failure message="${xml(reason(step.changes))}" type="refused"/>`]
          : [];
        return {
          failed: isRefused(step),
          lines: [
            `    <testcase classname="${xml(play)}" name="${xml(name)}" time="0">`,
            ...failure,
            `      <system-out>${xml(`${about}\n\n${stepText(step)}`)}</system-out>`,
            '    </testcase>',
          ],
        };
      }),
    );
    return suiteOf(play, cases, report.created);
  });
  if (report.policy !== undefined) suites.push(policySuite(report.policy, report.created));
  const sum = (key: 'tests' | 'failures'): number =>
    suites.reduce((total, suite) => total + suite[key], 0);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="${xml(`${report.runbook} on ${report.cluster}`)}" tests="${sum('tests')}" failures="${sum('failures')}" errors="0" time="0">`,
    ...suites.flatMap(({ lines }) => lines),
    '</testsuites>',
    '',
  ].join('\n');
}

/** A case for each rule: one that denies the plan fails. */
function policySuite(
  { rules, findings }: NonNullable<PlanReport['policy']>,
  created: string,
): Suite {
  const cases = rules.map((path) => {
    const found = findings.filter((one) => one.path === path);
    const denied = found.filter(({ denies }) => denies);
    const about = found.map(({ what, hosts, at }) => `${what}\n${hostNames(hosts)}\n${at}`);
    const message = denied.map(({ what }) => what).join('; ');
    return {
      failed: denied.length > 0,
      lines: [
        `    <testcase classname="policy" name="${xml(path)}" time="0">`,
        ...(denied.length > 0 ? [`      <failure message="${xml(message)}" type="denied"/>`] : []),
        ...(about.length > 0 ? [`      <system-out>${xml(about.join('\n\n'))}</system-out>`] : []),
        '    </testcase>',
      ],
    };
  });
  return suiteOf('policy', cases, created);
}

interface Suite {
  readonly tests: number;
  readonly failures: number;
  readonly lines: readonly string[];
}

function suiteOf(
  name: string,
  cases: readonly { readonly failed: boolean; readonly lines: readonly string[] }[],
  created: string,
): Suite {
  const failures = cases.filter(({ failed }) => failed).length;
  return {
    tests: cases.length,
    failures,
    lines: [
      `  <testsuite name="${xml(name)}" tests="${cases.length}" failures="${failures}" errors="0" time="0" timestamp="${xml(created.replace('Z', ''))}">`,
      ...cases.flatMap(({ lines }) => lines),
      '  </testsuite>',
    ],
  };
}

function reason(
  changes: readonly { readonly action: string; readonly subject: string; readonly why?: string }[],
): string {
  return changes
    .filter(({ action }) => action === 'refuse')
    .map(({ subject, why }) => (why === undefined ? subject : `${subject}: ${why}`))
    .join('; ');
}
