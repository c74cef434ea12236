import type { Change } from '@skerry/steps';
import { hostNames } from '../render/host-names.ts';
import { clipped, code, fenced } from '../render/saved/markdown-text.ts';
import { changeText, visible } from '../render/saved/report.ts';
import { mapStrings } from '../terminal-text.ts';
import { causeWords, driftTotals, type DriftReport } from './drift-report.ts';

/** Of the comment that GitHub takes, with room for the totals; and of one block. */
const limit = 60_000;
const blockLimit = 8000;

const marks = { 'by-hand': '✋', both: '⚠️', inventory: '📄', 'never-applied': '❔' } as const;

/** Drift as a comment or an issue: a table first, then what differs, folded away. */
export function driftMarkdown(given: DriftReport): string {
  const report = mapStrings(given, visible);
  const rows = report.blocks.map(
    ({ cause, play, id, hosts }) =>
      `| ${marks[cause]} ${causeWords[cause]} | ${code(clipped(play, 60))} | ${code(clipped(id, 120))} | ${hosts.length} <sub>${code(clipped(hostNames(hosts), 60))}</sub> |`,
  );
  const details = report.blocks.map(({ cause, play, id, hosts, since, byHand, asked }) =>
    [
      `<details><summary>${marks[cause]} ${code(clipped(play, 120))} › ${code(clipped(id, 120))} — ${causeWords[cause]}</summary>`,
      '',
      `${code(clipped(hostNames(hosts), 400))}${since === undefined ? '' : `, last applied ${code(since)}`}`,
      ...block('On the host, to be as it was left:', byHand),
      ...block('Asked for, since then:', asked),
      '',
      '</details>',
      '',
    ].join('\n'),
  );
  const head = [
    `### Drift: ${code(report.runbook)} on ${code(report.cluster)}`,
    '',
    driftTotals(report),
    '',
  ];
  const table = rows.length === 0 ? [] : ['| | Play | Step | Hosts |', '|---|---|---|---|'];
  return `${[...head, ...table, ...fitting(rows, limit * 0.4, 'rows'), '', ...fitting(details, limit * 0.6, 'changes')].join('\n')}\n`;
}

function block(title: string, changes: readonly Change[]): string[] {
  if (changes.length === 0) return [];
  const text = changes
    .map((change) =>
      [changeText(change), ...(change.diff === undefined ? [] : [change.diff])].join('\n'),
    )
    .join('\n');
  return ['', title, '', fenced(clipped(text, blockLimit))];
}

function fitting(entries: readonly string[], room: number, what: string): readonly string[] {
  let used = 0;
  const end = entries.findIndex((entry) => (used += Buffer.byteLength(entry) + 1) > room);
  if (end < 0) return entries;
  return [...entries.slice(0, end), '', `**${entries.length - end} more ${what} not shown here.**`];
}
