import { counted, hostNames } from '../host-names.ts';
import type { PlanBlock } from '../fold.ts';
import { clipped, code, fenced } from './markdown-text.ts';
import {
  confidenceText,
  isRefused,
  stepText,
  totalsOf,
  wordOf,
  type PlanReport,
} from './report.ts';

export interface MarkdownOptions {
  /** Where the whole plan can be seen; http or https. */
  readonly link?: string;
  /** UTF-8 bytes; default 65,000, a little less than GitHub takes (65,536 characters). */
  readonly limit?: number;
}

/** Bytes of one step's changes, and of the table: one must not push out all the others. */
const stepLimit = 12_000;
const tableShare = 0.4;

/**
 * A plan as the comment of a pull request: totals and a table first, then each change, folded away.
 * All text of the plan is in code or in entities, so that no part of it is markup or a mention.
 */
export function planMarkdown(report: PlanReport, options: MarkdownOptions = {}): string {
  const limit = options.limit ?? 65_000;
  const whole =
    options.link === undefined
      ? report.diff === undefined
        ? 'the whole is in the plan file: `bootstrap show FILE --format html`'
        : 'the whole is shown by `bootstrap diff` with `--format html`'
      : `[see the whole plan](<${new URL(options.link).href}>)`;
  const head = [
    `### ${wordOf(report)}: ${code(report.runbook)} on ${code(report.cluster)}`,
    '',
    totalsOf(report),
    '',
    ...policyLines(report),
  ];
  const foot = [
    '',
    report.diff === undefined
      ? `<sub>Made ${code(report.created)} by Skerry ${code(report.tool)} from ${code(report.inventory)} · ${code(report.digest.slice(0, 19))}</sub>`
      : `<sub>${code(report.diff.made)}</sub>`,
    '',
  ];
  const rows = report.plays.flatMap(({ play, blocks }) => rowsOf(play, blocks));
  const details = report.plays.flatMap(({ play, blocks }) =>
    blocks.flatMap((block) => detailsOf(play, block)),
  );
  if (rows.length === 0) return [...head, ...foot].join('\n');
  const cut = (left: number, what: string): string[] =>
    left === 0 ? [] : ['', `**${left} more ${what} not shown here: ${whole}.**`, ''];
  const room = limit - bytes([...head, ...foot]) - 1000 - 2 * whole.length;
  const table = fitting(rows, room * tableShare);
  const shown = fitting(details, room - bytes(table));
  return [
    ...head,
    '| | Play | Change | Hosts | Sure |',
    '|---|---|---|---|---|',
    ...table,
    ...cut(rows.length - table.length, 'rows'),
    '',
    ...shown,
    ...cut(details.length - shown.length, 'changes'),
    ...foot,
  ].join('\n');
}

/** At most so many findings of a policy are told above the table. */
const mostFindings = 10;

function policyLines({ policy }: PlanReport): string[] {
  if (policy === undefined) return [];
  const { verdict, rules, findings } = policy;
  const said =
    verdict === 'denied'
      ? '**⛔ Denied by the policy**'
      : `Policy: ${counted(rules.length, 'rule')} kept`;
  const lines = findings
    .toSorted((a, b) => Number(b.denies) - Number(a.denies))
    .slice(0, mostFindings)
    .map(
      ({ denies, what, hosts, at }) =>
        `- ${denies ? '⛔' : '⏱'} ${code(clipped(what, 300))} ${counted(hosts.length, 'host')} <sub>${code(clipped(at, 100))}</sub>`,
    );
  const left = findings.length - lines.length;
  return [said, '', ...lines, ...(left > 0 ? [`- and ${left} more`] : []), ''];
}

/** A row for each step and handler of a play, whatever its values on the hosts. */
function rowsOf(play: string, blocks: readonly PlanBlock[]): string[] {
  const rows = new Map<string, { readonly cells: Cells; readonly hosts: string[] }>();
  const add = (cells: Cells, hosts: readonly string[]): void => {
    const key = JSON.stringify(cells);
    const row = rows.get(key) ?? { cells, hosts: [] };
    rows.set(key, row);
    row.hosts.push(...hosts);
  };
  for (const { hosts, steps, handlers } of blocks) {
    for (const step of steps) {
      const sure = clipped(confidenceText(step), 80);
      const sign = isRefused(step) ? '⛔' : '';
      add({ sign, id: step.id, sure: sure === 'exact' ? sure : code(sure) }, hosts);
    }
    for (const { id } of handlers) add({ sign: '▸', id, sure: 'handler' }, hosts);
  }
  return [...rows.values()].map(({ cells: { sign, id, sure }, hosts }) => {
    const who = `${hosts.length} <sub>${code(clipped(hostNames(hosts), 60))}</sub>`;
    return `| ${sign} | ${code(clipped(play, 60))} | ${code(clipped(id, 120))} | ${who} | ${sure} |`;
  });
}

interface Cells {
  readonly sign: string;
  readonly id: string;
  readonly sure: string;
}

function detailsOf(play: string, { hosts, steps }: PlanBlock): string[] {
  return steps.map((step) => {
    const text = stepText(step);
    const lines = text.split('\n');
    let size = 0;
    const kept = lines.findIndex((line) => (size += Buffer.byteLength(line) + 1) > stepLimit);
    const shown = kept < 0 ? lines : lines.slice(0, kept);
    const rest = kept < 0 ? [] : ['', `*${lines.length - kept} more lines of this change.*`];
    return [
      `<details><summary>${isRefused(step) ? '⛔ ' : ''}${code(clipped(play, 120))} › ${code(clipped(step.id, 120))} — ${counted(hosts.length, 'host')}</summary>`,
      '',
      code(clipped(hostNames(hosts), 400)),
      '',
      fenced(shown.join('\n')),
      ...rest,
      '',
      '</details>',
      '',
    ].join('\n');
  });
}

const bytes = (lines: readonly string[]): number =>
  lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0);

/** As many of the first entries as fit. */
function fitting(entries: readonly string[], room: number): string[] {
  let used = 0;
  const end = entries.findIndex((entry) => (used += Buffer.byteLength(entry) + 1) > room);
  return end < 0 ? [...entries] : entries.slice(0, end);
}
