import { countPlan, type PlanCount, type SavedPlan, type StepPlan } from '@skerry/runbook';
import { summarizeChange, type Change } from '@skerry/steps';
import { mapStrings, harmless } from '../../terminal-text.ts';
import type { PlacedVerdict } from '../../policy/open-policy.ts';
import { foldPlan, type PlayBlocks } from '../fold.ts';
import { planLine } from './plan-line.ts';

/** What every form of a saved plan shows. All texts can be shown: nothing in them acts on a reader. */
export interface PlanReport {
  readonly runbook: string;
  readonly cluster: string;
  readonly created: string;
  readonly tool: string;
  readonly inventory: string;
  readonly digest: string;
  readonly count: PlanCount;
  readonly hosts: readonly string[];
  readonly plays: readonly PlayBlocks[];
  /** What a policy says of it, where one was asked. */
  readonly policy?: PlacedVerdict;
  /** Where it is no plan but a comparison of two revisions: what stands above and below it. */
  readonly diff?: { readonly totals: string; readonly made: string };
}

/** `Plan` or `Diff`. */
export function wordOf(report: PlanReport): 'Plan' | 'Diff' {
  return report.diff === undefined ? 'Plan' : 'Diff';
}

/** The totals in one line. */
export function totalsOf(report: PlanReport): string {
  return report.diff?.totals ?? planLine(report.count);
}

export function planReport({ file, plan }: SavedPlan): PlanReport {
  const { inventory } = file;
  const revision =
    inventory.revision === undefined
      ? ''
      : ` at ${inventory.revision.commit.slice(0, 12)}${inventory.revision.dirty ? ', with changes that are not committed' : ''}`;
  const head = {
    runbook: file.runbook.name,
    cluster: file.cluster,
    created: file.created,
    tool: file.tool,
    inventory: `${inventory.path}${revision}`,
    digest: file.digest,
    hosts: plan.hosts.map(({ host }) => host),
  };
  return {
    ...mapStrings(head, visible),
    count: countPlan(plan),
    plays: mapStrings(withoutScripts(foldPlan(plan)), visible),
  };
}

/** Scripts are not shown: they stand in the plan file. */
function withoutScripts(plays: readonly PlayBlocks[]): readonly PlayBlocks[] {
  const none = { code: '', args: [] };
  return plays.map(({ play, blocks }) => ({
    play,
    blocks: blocks.map(({ hosts, steps, handlers }) => ({
      hosts,
      steps: steps.map((step) => ({ ...step, converge: none })),
      handlers: handlers.map((handler) => ({ ...handler, fragment: none })),
    })),
  }));
}

/** Control characters as signs; a carriage return, too, which a diff of line ends is about. */
export function visible(text: string): string {
  return harmless(text.toWellFormed().replaceAll('\r', '␍'));
}

/** `exact`, `conditional: …`, `opaque: …`. */
export function confidenceText({ confidence }: StepPlan): string {
  switch (confidence.level) {
    case 'exact':
      return 'exact';
    case 'conditional':
      return `conditional on ${confidence.on.join(', ')}${confidence.foreseen === true ? ', and then just this' : ''}`;
    case 'opaque':
      return `opaque: ${confidence.why}`;
  }
}

/** A change without its diff: its line, and the reasons that it gives. */
export function changeText(change: Change): string {
  return [
    change.action === 'refuse' ? `${change.subject}: refused` : summarizeChange(change),
    ...(change.why === undefined ? [] : [`  why: ${change.why}`]),
    ...(change.fix === undefined ? [] : [`  fix: ${change.fix}`]),
  ].join('\n');
}

/** All changes of a step, as plain text with their diffs. */
export function stepText(step: StepPlan): string {
  return step.changes
    .map((change) =>
      [changeText(change), ...(change.diff === undefined ? [] : [change.diff])].join('\n'),
    )
    .join('\n');
}

export function isRefused(step: StepPlan): boolean {
  return step.changes.some(({ action }) => action === 'refuse');
}
