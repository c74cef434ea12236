import type { Change } from '@skerry/steps';
import { mapStrings } from '../terminal-text.ts';
import { counted, hostNames } from '../render/host-names.ts';
import { visible, type PlanReport } from '../render/saved/report.ts';
import type { HostPresence, RevisionDiff } from './compare-revisions.ts';
import { foldDiff, type DiffPlay, type DiffStep } from './fold-diff.ts';

/** What every form of a comparison of two revisions shows. All texts can be shown. */
export interface DiffReport {
  readonly runbook: string;
  readonly cluster: string;
  readonly inventory: string;
  readonly from: string;
  readonly to: string;
  readonly hosts: readonly string[];
  readonly added: readonly HostPresence[];
  readonly removed: readonly HostPresence[];
  readonly plays: readonly DiffPlay[];
  readonly totals: {
    readonly hosts: number;
    readonly changedHosts: number;
    /** Steps on hosts. */
    readonly steps: number;
    /** The same with what hosts share counted once. */
    readonly blocks: number;
  };
  /** What the reader has to know about the facts that it was made with. */
  readonly notes: readonly string[];
}

export function diffReport(
  diff: RevisionDiff,
  about: Pick<DiffReport, 'runbook' | 'cluster' | 'inventory' | 'from' | 'to' | 'notes'>,
  conceal: (text: string) => string,
): DiffReport {
  const plays = foldDiff(diff);
  const report: DiffReport = {
    ...about,
    hosts: diff.hosts,
    added: diff.added,
    removed: diff.removed,
    plays,
    totals: {
      hosts: diff.hosts.length,
      changedHosts: new Set(diff.differences.map(({ host }) => host)).size,
      steps: diff.differences.length,
      blocks: plays.flatMap(({ blocks }) => blocks.flatMap(({ steps }) => steps)).length,
    },
  };
  return mapStrings(report, (text) => visible(conceal(text)));
}

export function isSame({ totals, added, removed }: DiffReport): boolean {
  return totals.steps + added.length + removed.length === 0;
}

export function totalsText(report: DiffReport): string {
  const { totals, added, removed } = report;
  if (isSame(report)) {
    return `No difference: ${counted(totals.hosts, 'host')} would be asked for the same.`;
  }
  const hosts = [
    ...(added.length === 0 ? [] : [`${counted(added.length, 'host')} added`]),
    ...(removed.length === 0 ? [] : [`${counted(removed.length, 'host')} removed`]),
  ];
  const steps = `${counted(totals.steps, 'step')} asked for differently on ${totals.changedHosts} of ${counted(totals.hosts, 'host')}`;
  return `${[steps, ...hosts].join('; ')}.`;
}

export const actionWords = { create: 'new', update: 'changed', delete: 'no longer asked' } as const;

/** The lines that a reader gets about the hosts whose text is not the one that is shown. */
export function othersText({ others }: DiffStep, shownOf: string): string | undefined {
  if (others.length === 0) return undefined;
  const hosts = others.flatMap((other) => other.hosts);
  return `shown as it is on ${shownOf}; the text is another one on ${hostNames(hosts)}, for the same reason`;
}

/** A comparison in the form that the renderers of saved plans take. */
export function asPlanReport(report: DiffReport): PlanReport {
  const none = { code: '', args: [] };
  const note = (subject: string, after: string): Change => ({ subject, action: 'run', after });
  const step = (one: DiffStep, hosts: readonly string[]) => {
    const others = othersText(one, hosts[0] ?? '');
    return {
      id: one.id,
      summary: `${actionWords[one.action]}: ${one.summary}`,
      changes: [
        ...one.because.map((line) => note('because', line)),
        ...(others === undefined ? [] : [note('note', others)]),
        ...one.changes,
      ],
      confidence: { level: 'exact' as const },
      converge: none,
      notify: [],
    };
  };
  const plays = report.plays.map(({ play, blocks }) => ({
    play,
    blocks: blocks.map(({ hosts, steps }) => ({
      hosts,
      steps: steps.map((one) => step(one, hosts)),
      handlers: [],
    })),
  }));
  const { totals } = report;
  return {
    runbook: report.runbook,
    cluster: report.cluster,
    created: '',
    tool: '',
    inventory: report.inventory,
    digest: '',
    count: {
      hosts: totals.hosts,
      changedHosts: totals.changedHosts,
      steps: totals.steps,
      changes: 0,
      handlers: 0,
      exact: totals.steps,
      conditional: 0,
      opaque: 0,
      refused: 0,
    },
    hosts: report.hosts,
    plays: [...plays, ...presencePlays(report, none)],
    diff: {
      totals: totalsText(report),
      made: `${report.inventory} from ${report.from} to ${report.to}. ${report.notes.join(' ')}`,
    },
  };
}

/** Hosts that came and went, as one more play. */
function presencePlays(
  { added, removed }: DiffReport,
  none: { readonly code: string; readonly args: readonly string[] },
): PlanReport['plays'] {
  const block = (id: string, summary: string, hosts: readonly HostPresence[], why: string) =>
    hosts.length === 0
      ? []
      : [
          {
            hosts: hosts.map(({ host }) => host),
            steps: [
              {
                id,
                summary,
                changes: hosts.map(({ host, at, steps }): Change => ({
                  subject: host,
                  action: 'run',
                  after: `${at}, ${counted(steps, 'step')}${why}`,
                })),
                confidence: { level: 'exact' as const },
                converge: none,
                notify: [],
              },
            ],
            handlers: [],
          },
        ];
  const blocks = [
    ...block('hosts added', 'new: every step is asked of them', added, ''),
    ...block(
      'hosts removed',
      'no longer asked: nothing is undone on them',
      removed,
      ' are not asked any more, and stay done',
    ),
  ];
  return blocks.length === 0 ? [] : [{ play: 'Hosts of the inventory', blocks }];
}
