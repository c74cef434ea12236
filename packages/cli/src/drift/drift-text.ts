import type { Change } from '@skerry/steps';
import { hostLines, changeLines, type PlanTextOptions } from '../render/plan-text.ts';
import { causeWords, causes, driftTotals, type DriftReport } from './drift-report.ts';

/** Drift for people at a terminal: by who made it. */
export function driftText(report: DriftReport, options: PlanTextOptions): string {
  const { colors } = options;
  const paint = {
    'by-hand': colors.red,
    both: colors.magenta,
    inventory: colors.cyan,
    'never-applied': colors.yellow,
  } as const;
  const lines: string[] = [];
  for (const cause of causes) {
    const blocks = report.blocks.filter((block) => block.cause === cause);
    if (blocks.length === 0) continue;
    const words = causeWords[cause];
    lines.push(colors.bold(paint[cause](`${words.slice(0, 1).toUpperCase()}${words.slice(1)}`)));
    for (const { hosts, play, id, since, byHand, asked } of blocks) {
      const when = since === undefined ? '' : `  last applied ${since}`;
      lines.push(...hostLines(hosts, options));
      lines.push(`    ${colors.bold(`${play} › ${id}`)}${colors.dim(when)}`);
      lines.push(...part('on the host, to be as it was left:', byHand, options));
      lines.push(...part('asked for, since then:', asked, options));
    }
    lines.push('');
  }
  lines.push(colors.bold(driftTotals(report)));
  return lines.join('\n');
}

function part(
  title: string,
  changes: readonly Change[],
  options: PlanTextOptions,
): readonly string[] {
  if (changes.length === 0) return [];
  return [
    `      ${options.colors.dim(title)}`,
    ...changes.flatMap((change) => changeLines(change, options)),
  ];
}
