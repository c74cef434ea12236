import type { Failure, HostOutcome, HostRecap, RunEvent } from '@skerry/runbook';
import type { Colors } from '../output.ts';
import { breakdownText } from './breakdown-text.ts';
import { duration } from './duration.ts';
import { counted, hostNames } from './host-names.ts';
import { indent, wrap, wrapAdvice } from './layout.ts';

export type RunFinished = Extract<RunEvent, { type: 'run-finished' }>;

interface RecapOptions {
  readonly colors: Colors;
  readonly width: number;
  readonly mode: 'plan' | 'apply';
  /** How many steps the plan would change, by host. */
  readonly pending?: ReadonlyMap<string, number>;
}

const bad: ReadonlySet<HostOutcome> = new Set([
  'failed',
  'refused',
  'unreachable',
  'unknown',
  'locked',
  'aborted',
]);

const words: Readonly<Record<HostOutcome, string>> = {
  converged: 'ok',
  changed: 'changed',
  planned: 'planned',
  failed: 'FAILED',
  refused: 'REFUSED',
  unreachable: 'UNREACHABLE',
  unknown: 'UNKNOWN',
  locked: 'LOCKED',
  aborted: 'aborted',
  skipped: 'skipped',
};

export function isBad(outcome: HostOutcome): boolean {
  return bad.has(outcome);
}

/** How the run ended: failures first, each reason once; then a line per host (alike hosts folded). */
export function recapText(event: RunFinished, options: RecapOptions): string {
  const { colors } = options;
  const parts: string[] = [];
  const failures = failureBlocks(event.hosts, options);
  if (failures !== '') parts.push(failures);
  parts.push(
    [colors.bold('Recap'), ...hostLines(event.hosts, options)].join('\n'),
    ...dueHandlers(event.hosts, options),
    ...(event.breakdown === undefined ? [] : [breakdownText(event.breakdown)]),
    conclusion(event, options),
  );
  return parts.join('\n\n');
}

/** The same failure on N hosts is one block with N names. */
export function failureBlocks(hosts: readonly HostRecap[], options: RecapOptions): string {
  const groups = new Map<string, { failure: Failure; outcome: HostOutcome; hosts: string[] }>();
  for (const { host, outcome, failure } of hosts) {
    if (failure === undefined) continue;
    // A host's own name in its message must not keep alike failures apart.
    const key = JSON.stringify([outcome, failure]).replaceAll(host, '\u0000');
    const group = groups.get(key) ?? { failure, outcome, hosts: [] };
    groups.set(key, group);
    group.hosts.push(host);
  }
  return [...groups.values()].map((group) => failureBlock(group, options)).join('\n\n');
}

function failureBlock(
  group: { failure: Failure; outcome: HostOutcome; hosts: readonly string[] },
  { colors, width }: RecapOptions,
): string {
  const { failure, outcome, hosts } = group;
  const count = hosts.length > 1 ? ` (${counted(hosts.length, 'host')})` : '';
  const lines = [
    `${colors.red(colors.bold(words[outcome]))} ${colors.bold(hostNames(hosts))}${count}  ${colors.dim(`[${failure.code}]`)}`,
  ];
  if (failure.step !== undefined) lines.push(`  at ${colors.cyan(failure.step)}`);
  lines.push(indent(failure.what, 2));
  if (failure.why !== undefined) lines.push(...labelled('why', failure.why, width));
  if (failure.fix !== undefined) lines.push(...labelled('fix', failure.fix, width));
  return lines.join('\n');
}

/** A failure or Ctrl-C came before their turn; that they are due stands on the host. */
function dueHandlers(hosts: readonly HostRecap[], { colors, width }: RecapOptions): string[] {
  const groups = new Map<string, string[]>();
  for (const { host, due = [] } of hosts) {
    for (const id of due) groups.set(id, [...(groups.get(id) ?? []), host]);
  }
  if (groups.size === 0) return [];
  const lines = [...groups].flatMap(([id, names]) =>
    wrap(`${id}: ${hostNames(names)}`, width - 4).map((line, index) =>
      index === 0 ? `  ${line}` : `    ${line}`,
    ),
  );
  const head = 'Handlers that are due and did not run; the next apply runs them';
  return [[colors.yellow(head), ...lines].join('\n')];
}

function labelled(word: string, text: string, width: number): readonly string[] {
  const lines = word === 'fix' ? wrapAdvice(text, width - 7) : wrap(text, width - 7);
  return lines.map((line, index) => (index === 0 ? `  ${word}: ${line}` : `       ${line}`));
}

function hostLines(hosts: readonly HostRecap[], options: RecapOptions): readonly string[] {
  const { colors, pending } = options;
  const groups = new Map<string, { recap: HostRecap; names: string[] }>();
  for (const recap of hosts) {
    const { outcome, converged, handlers, execs, apiCalls, failure } = recap;
    const key = [
      outcome,
      changesOf(recap, pending),
      converged,
      handlers,
      execs,
      apiCalls,
      failure?.step,
    ].join(' ');
    const group = groups.get(key) ?? { recap, names: [] };
    groups.set(key, group);
    group.names.push(recap.host);
  }
  const rows = [...groups.values()].map(({ recap, names }) => ({
    names: hostNames(names),
    recap,
    count: names.length,
  }));
  const widest = Math.min(40, Math.max(...rows.map(({ names }) => names.length), 4));
  return rows.map(({ names, recap, count }) => {
    const word = words[recap.outcome].padEnd(11);
    const painted = isBad(recap.outcome)
      ? colors.red(word)
      : recap.outcome === 'converged'
        ? colors.green(word)
        : colors.yellow(word);
    const facts = [
      changesOf(recap, pending),
      `${recap.converged} as desired`,
      ...(recap.handlers > 0 ? [counted(recap.handlers, 'handler')] : []),
      `${counted(recap.execs, 'exec')}${count > 1 ? ' each' : ''}`,
      ...(recap.apiCalls === undefined ? [] : [counted(recap.apiCalls, 'API call')]),
    ].join(', ');
    const where = recap.failure?.step === undefined ? '' : `  at ${recap.failure.step}`;
    return `  ${names.padEnd(widest)}  ${painted}  ${colors.dim(facts)}${where}`;
  });
}

/** What was changed, or, of a host that was only planned, what would be. */
function changesOf(recap: HostRecap, pending: ReadonlyMap<string, number> | undefined): string {
  if (recap.outcome !== 'planned') return `${recap.changed} changed`;
  return `${pending?.get(recap.host) ?? 0} to change`;
}

function conclusion(event: RunFinished, { colors, mode }: RecapOptions): string {
  const took = `in ${duration(event.milliseconds)}`;
  const failed = event.hosts.filter(({ outcome }) => isBad(outcome)).length;
  const changed = event.hosts.filter(({ outcome }) => outcome === 'changed').length;
  const all = event.hosts.length;
  if (failed > 0) {
    return colors.red(`${failed} of ${counted(all, 'host')} did not end well, ${took}.`);
  }
  const { checks } = event;
  if (checks !== undefined && checks.failed > 0) {
    const count = `${checks.failed} of ${checks.passed + checks.failed}`;
    return colors.red(
      `${counted(changed, 'host')} changed, and ${count} checks of the cluster failed, ${took}.`,
    );
  }
  if (mode === 'plan') return `Planned ${counted(all, 'host')} ${took}; nothing was changed.`;
  const skipped = event.hosts.some(({ outcome }) => outcome === 'planned' || outcome === 'skipped');
  if (changed === 0) {
    const text = skipped
      ? `Nothing was changed, ${took}.`
      : `${counted(all, 'host')} looked at ${took}; nothing was changed.`;
    return skipped ? text : colors.green(text);
  }
  const looked =
    checks === undefined
      ? ''
      : `, and the cluster passed ${counted(checks.passed, 'check')}${checks.skipped === 0 ? '' : ` (${checks.skipped} not looked at)`}`;
  const proof = event.verified
    ? `verified: a second look found nothing left to change${looked}`
    : 'NOT verified';
  const text = `${counted(changed, 'host')} changed, ${proof}, ${took}.`;
  return event.verified ? colors.green(text) : colors.yellow(text);
}
