import { wrap } from '../render/layout.ts';
import {
  changeLines,
  hostLines,
  noteLines,
  paint,
  signs,
  type PlanTextOptions,
} from '../render/plan-text.ts';
import { counted } from '../render/host-names.ts';
import { actionWords, isSame, othersText, totalsText, type DiffReport } from './diff-report.ts';
import type { DiffStep } from './fold-diff.ts';

/** Two revisions compared, for people at a terminal. */
export function diffText(report: DiffReport, options: PlanTextOptions): string {
  const { colors, width } = options;
  const lines = [colors.dim(`${report.inventory}: from ${report.from} to ${report.to}`), ''];
  for (const { play, blocks } of report.plays) {
    lines.push(colors.bold(`Play ${play}`));
    for (const { hosts, steps } of blocks) {
      lines.push(...hostLines(hosts, options));
      for (const step of steps) lines.push(...stepLines(step, hosts, options));
      lines.push('');
    }
  }
  for (const [sign, word, hosts] of [
    ['+', 'Added', report.added],
    ['-', 'Removed', report.removed],
  ] as const) {
    if (hosts.length === 0) continue;
    const color = sign === '+' ? colors.green : colors.red;
    lines.push(colors.bold(`${word} hosts`));
    const shown = options.verbose ? hosts : hosts.slice(0, 20);
    for (const { host, at, steps } of shown) {
      lines.push(
        `  ${color(`${sign} ${host}`)}  ${colors.dim(`${at}, ${counted(steps, 'step')}`)}`,
      );
    }
    if (shown.length < hosts.length) {
      lines.push(colors.dim(`  and ${hosts.length - shown.length} more, which --verbose shows`));
    }
    if (sign === '-') lines.push(colors.dim('  Nothing is undone on them.'));
    lines.push('');
  }
  const totals = totalsText(report);
  lines.push(isSame(report) ? colors.green(totals) : colors.bold(totals));
  for (const note of report.notes) lines.push(...wrap(note, width).map((line) => colors.dim(line)));
  return lines.join('\n');
}

function stepLines(
  step: DiffStep,
  hosts: readonly string[],
  options: PlanTextOptions,
): readonly string[] {
  const { colors, width, verbose } = options;
  const color = paint(colors, step.action);
  const others = othersText(step, hosts[0] ?? '');
  return [
    `    ${color(signs[step.action])} ${colors.bold(step.id)}  ${colors.dim(`${actionWords[step.action]}: ${step.summary}`)}`,
    ...step.because.flatMap((line) => noteLines(`because ${line}`, width, colors.cyan)),
    ...(others === undefined ? [] : noteLines(others, width, colors.magenta)),
    ...step.changes.flatMap((change) => changeLines(change, options)),
    ...(verbose
      ? step.others.flatMap((other) => [
          `      ${colors.cyan(other.hosts.join(', '))}`,
          ...other.changes.flatMap((change) => changeLines(change, options)),
        ])
      : []),
  ];
}
