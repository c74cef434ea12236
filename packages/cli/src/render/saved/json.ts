import { jsonLine } from '../../output.ts';
import type { PlanReport } from './report.ts';

/**
 * A plan for programs, as one line: totals, and what is the same on several hosts once, with their
 * names. The scripts are left out: they stand in the plan file, whose schema is published.
 */
export function planJson(report: PlanReport): string {
  const { plays, ...head } = report;
  return `${jsonLine({
    type: 'saved-plan',
    ...head,
    plays: plays.map(({ play, blocks }) => ({
      play,
      blocks: blocks.map(({ hosts, steps, handlers }) => ({
        hosts,
        steps: steps.map(({ converge: _script, ...step }) => step),
        handlers: handlers.map(({ fragment: _script, ...handler }) => handler),
      })),
    })),
  })}\n`;
}
