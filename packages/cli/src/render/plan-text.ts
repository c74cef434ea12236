import { countPlan, type HandlerPlan, type Plan, type StepPlan } from '@skerry/runbook';
import { summarizeChange, type Change } from '@skerry/steps';
import type { Colors } from '../output.ts';
import { foldPlan, type PlanBlock } from './fold.ts';
import { counted, hostNames } from './host-names.ts';
import { indent, wrap, wrapAdvice } from './layout.ts';

export interface PlanTextOptions {
  readonly colors: Colors;
  /** Columns. */
  readonly width: number;
  readonly verbose: boolean;
}

export const signs = { create: '+', update: '~', delete: '-', run: '>', refuse: '!' } as const;

export function paint(colors: Colors, action: Change['action']): (text: string) => string {
  const by = {
    create: colors.green,
    update: colors.yellow,
    delete: colors.red,
    run: colors.cyan,
    refuse: colors.red,
  } as const;
  return (text) => by[action](text);
}

/** The plan, play by play and block by block; the same change on N hosts is one block with N names. */
export function planText(plan: Plan, options: PlanTextOptions): string {
  const { colors } = options;
  const lines: string[] = [];
  for (const { play, blocks } of foldPlan(plan)) {
    lines.push(colors.bold(`Play ${play}`));
    for (const block of blocks) lines.push(...blockLines(block, options), '');
  }
  if (options.verbose) lines.push(...quietLines(plan, colors));
  lines.push(...totals(plan, colors));
  return lines.join('\n');
}

function blockLines(block: PlanBlock, options: PlanTextOptions): readonly string[] {
  return [
    ...hostLines(block.hosts, options),
    ...block.steps.flatMap((step) => stepLines(step, options)),
    ...block.handlers.map((handler) => handlerLine(handler, options.colors)),
  ];
}

/** The names above a block, and how many they are. */
export function hostLines(
  hosts: readonly string[],
  { colors, width }: PlanTextOptions,
): readonly string[] {
  const [first, ...more] = wrap(hostNames(hosts), width - 20);
  const count = hosts.length > 1 ? `  (${counted(hosts.length, 'host')})` : '';
  const names = [`  ${colors.bold(colors.cyan(first ?? ''))}`];
  for (const line of more) names.push(`  ${colors.bold(colors.cyan(line))}`);
  names[names.length - 1] += colors.dim(count);
  return names;
}

/** A step's own action: what all its changes have in common, a refusal before everything. */
function actionOf(changes: readonly Change[]): Change['action'] {
  if (changes.some(({ action }) => action === 'refuse')) return 'refuse';
  const [first] = changes;
  if (first === undefined) return 'run';
  return changes.every(({ action }) => action === first.action) ? first.action : 'update';
}

function stepLines(step: StepPlan, options: PlanTextOptions): readonly string[] {
  const { colors, width } = options;
  const action = actionOf(step.changes);
  const color = paint(colors, action);
  const lines = [
    `    ${color(signs[action])} ${colors.bold(step.id)}  ${colors.dim(summaryOf(step))}`.trimEnd(),
  ];
  const note = confidenceNote(step);
  if (note !== undefined) lines.push(...noteLines(note, width, colors.magenta));
  for (const change of step.changes) lines.push(...changeLines(change, options));
  if (options.verbose && step.notify.length > 0) {
    lines.push(colors.dim(`        notifies ${step.notify.join(', ')}`));
  }
  return lines;
}

/** The summary without the name of the step, which stands before it. */
function summaryOf({ id, summary }: StepPlan): string {
  return summary.startsWith(id) ? summary.slice(id.length).replace(/^[,:]?\s*/, '') : summary;
}

function confidenceNote({ confidence }: StepPlan): string | undefined {
  switch (confidence.level) {
    case 'exact':
      return undefined;
    case 'conditional':
      return confidence.foreseen === true
        ? `conditional: just this, once there is what ${confidence.on.join(', ')} makes`
        : `conditional: what it finds may be different after ${confidence.on.join(', ')}`;
    case 'opaque':
      return `opaque: ${confidence.why}`;
  }
}

export function changeLines(change: Change, options: PlanTextOptions): readonly string[] {
  const { colors, width } = options;
  const color = paint(colors, change.action);
  if (change.action === 'refuse') {
    return [
      `        ${color(`${change.subject}: refused`)}`,
      ...reason('why', change.why, width),
      ...reason('fix', change.fix, width),
    ];
  }
  const lines = indent(summarizeChange(change), 8).split('\n').map(color);
  if (change.why !== undefined) lines.push(...reason('why', change.why, width));
  if (change.diff !== undefined) lines.push(...diffLines(change.diff, colors));
  return lines;
}

function reason(word: string, text: string | undefined, width: number): readonly string[] {
  if (text === undefined) return [];
  const lines = word === 'fix' ? wrapAdvice(text, width - 15) : wrap(text, width - 15);
  return lines.map((line, index) =>
    index === 0 ? `          ${word}: ${line}` : `               ${line}`,
  );
}

export function noteLines(
  note: string,
  width: number,
  color: (text: string) => string,
): readonly string[] {
  return wrap(note, width - 8).map((line) => `        ${color(line)}`);
}

/** A unified diff without its file headers: the step has named the file already. */
function diffLines(diff: string, colors: Colors): readonly string[] {
  const lines = diff.replace(/\n$/, '').split('\n');
  const start = lines.findIndex((line) => line.startsWith('@@'));
  return lines.slice(Math.max(0, start)).map((line) => {
    const shown = `          ${line}`;
    if (line.startsWith('@@')) return colors.cyan(shown);
    if (line.startsWith('+')) return colors.green(shown);
    if (line.startsWith('-')) return colors.red(shown);
    return colors.dim(shown);
  });
}

function handlerLine(handler: HandlerPlan, colors: Colors): string {
  const why = [
    ...(handler.because.length > 0 ? [`after ${handler.because.join(', ')}`] : []),
    ...(handler.leftover ? ['left to do by an earlier run'] : []),
  ].join('; ');
  return `    ${colors.cyan('*')} ${colors.bold(handler.id)}  ${colors.dim(why)}`.trimEnd();
}

/** With `--verbose`: how much is as desired already, and what `when` leaves out. */
function quietLines(plan: Plan, colors: Colors): readonly string[] {
  return plan.hosts.flatMap(({ host, plays }) => {
    const converged = plays.reduce((sum, play) => sum + play.converged, 0);
    const skipped = plays.flatMap((play) => play.skipped.map((id) => `${play.play} › ${id}`));
    const lines = [colors.dim(`  ${host}: ${counted(converged, 'step')} as desired`)];
    if (skipped.length > 0) lines.push(colors.dim(`    left out by when: ${skipped.join(', ')}`));
    return lines;
  });
}

function totals(plan: Plan, colors: Colors): readonly string[] {
  const count = countPlan(plan);
  if (count.hosts === 0) return [colors.yellow('There is no plan: no host could be read.')];
  if (count.steps === 0 && count.handlers === 0) {
    return [colors.green(`Nothing to do: ${counted(count.hosts, 'host')} as desired.`)];
  }
  const sure = [
    ...(count.exact > 0 ? [`${count.exact} exact`] : []),
    ...(count.conditional > 0 ? [`${count.conditional} conditional`] : []),
    ...(count.opaque > 0 ? [`${count.opaque} opaque`] : []),
  ].join(', ');
  const work = [
    ...(count.steps > 0
      ? [`${counted(count.steps, 'step')} (${counted(count.changes, 'change')})`]
      : []),
    ...(count.handlers > 0 ? [counted(count.handlers, 'handler')] : []),
  ].join(' and ');
  const how = sure === '' ? '' : `; ${sure}`;
  const lines = [
    `${colors.bold('Plan:')} ${work} on ${count.changedHosts} of ${counted(count.hosts, 'host')}${how}.`,
  ];
  if (count.refused > 0) {
    lines.push(
      colors.red(
        `${counted(count.refused, 'step')} refused: the hosts stop there. Reasons are above.`,
      ),
    );
  }
  return lines;
}
