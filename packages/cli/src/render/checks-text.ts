import type { RunEvent } from '@skerry/runbook';
import type { Finding } from '@skerry/steps';
import type { Colors } from '../output.ts';
import { duration } from './duration.ts';
import { wrap, wrapAdvice } from './layout.ts';

type CheckFinished = Extract<RunEvent, { type: 'check-finished' }>;
type VerificationFinished = Extract<RunEvent, { type: 'verification-finished' }>;

interface TextOptions {
  readonly colors: Colors;
  readonly width: number;
}

/** Columns of the longest id of a check, and of the word before it. */
const idWidth = 22;
const wordWidth = 7;

/** What, why and fix of a finding, each in a line of its own. */
export function findingLines({ what, why, fix }: Finding): readonly string[] {
  return [
    what,
    ...(why === undefined ? [] : [`why: ${why}`]),
    ...(fix === undefined ? [] : [`fix: ${fix}`]),
  ];
}

/** A row of the table: how it went, the id, what was looked at; and below it what was found. */
export function checkText(event: CheckFinished, { colors, width }: TextOptions): string {
  const { check, status, looked, reason, findings } = event;
  const word = { passed: 'ok', failed: 'FAILED', skipped: 'skipped' }[status].padEnd(wordWidth);
  const paint = { passed: colors.green, failed: colors.red, skipped: colors.yellow }[status];
  const left = 2 + wordWidth + 1 + idWidth + 1;
  const text = status === 'skipped' ? `not looked at: ${reason}` : looked;
  const [first = '', ...more] = wrap(text, Math.max(30, width - left));
  const pad = ' '.repeat(left);
  const lines = [
    `  ${paint(word)} ${check.padEnd(idWidth)} ${first}`,
    ...more.map((line) => `${pad}${line}`),
  ];
  for (const { what, why, fix } of findings) {
    lines.push(...what.split('\n').map((line) => `      ${line}`));
    if (why !== undefined) lines.push(...labelled('why', wrap(why, width - 13)));
    if (fix !== undefined) lines.push(...labelled('fix', wrapAdvice(fix, width - 13)));
  }
  return lines.join('\n');
}

function labelled(word: string, lines: readonly string[]): readonly string[] {
  return lines.map((line, index) =>
    index === 0 ? `        ${word}: ${line}` : `             ${line}`,
  );
}

/** The line below the table. */
export function verificationText(event: VerificationFinished, { colors }: TextOptions): string {
  const { passed, failed, skipped, milliseconds } = event;
  const parts = [`${passed} passed`, `${failed} failed`, `${skipped} not looked at`];
  const text = `${parts.join(', ')}, in ${duration(milliseconds)}.`;
  return failed > 0 ? colors.red(text) : passed > 0 ? colors.green(text) : colors.yellow(text);
}
