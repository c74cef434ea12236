import { DiagnosticError, ExitCode } from '@skerry/diagnostics';
import {
  earlierRunbook,
  findDrift,
  lastApply,
  planKey,
  writeJournal,
  type JournalEntry,
  type RunEvent,
  type RunOutcome,
  type RunRequest,
} from '@skerry/runbook';
import type { RunOptions } from '../options.ts';
import type { Output } from '../output.ts';
import type { RunContext } from '../run-context.ts';
import { driftMarkdown } from './drift-markdown.ts';
import { driftReport } from './drift-report.ts';
import { driftText } from './drift-text.ts';

/** Writes down what an apply brought about, for the next `--refresh-only`. */
export async function keepJournal(
  outcome: RunOutcome,
  context: RunContext,
  options: Pick<RunOptions, 'tags'>,
): Promise<void> {
  const key = await planKey(context.stateFolder);
  await writeJournal(context.stateFolder, {
    runbook: outcome.plan.runbook,
    hosts: outcome.asked,
    now: new Date(),
    partial: options.tags !== undefined,
    conceal: (text) => context.secrets.conceal(text),
    digest: (text) => key.digest('journal', text),
  });
}

/** Drift is looked at: nothing is applied, and there is no plan that could be saved. */
export function refuseDriftOptions(mode: 'plan' | 'apply', options: RunOptions): void {
  const { refreshOnly, out, format } = options;
  const wrong =
    refreshOnly === true
      ? mode === 'apply'
        ? '--refresh-only changes nothing, and apply changes'
        : out === undefined
          ? undefined
          : '--refresh-only makes no plan that --out could save'
      : format === undefined
        ? undefined
        : '--format is for --refresh-only; show has forms for a saved plan';
  if (wrong === undefined) return;
  throw new DiagnosticError({
    code: 'refresh-only',
    severity: 'error',
    what: wrong,
    fix: 'bootstrap plan INVENTORY --refresh-only',
  });
}

/** What of a run is told while drift is looked for: not its plan, which is another question. */
export function isAboutDrift({ type }: RunEvent): boolean {
  return ['phase', 'host-failed', 'warning', 'waiting'].includes(type);
}

/**
 * Tells what drifted since the last apply. `again` plans another runbook on some of the hosts: what
 * was asked for then, where it is not what is asked for now.
 */
export async function tellDrift(
  outcome: RunOutcome,
  context: RunContext,
  options: RunOptions,
  output: Output,
  again: (request: Pick<RunRequest, 'runbook' | 'hosts'>) => Promise<RunOutcome>,
): Promise<ExitCode> {
  const { plan, asked } = outcome;
  const journal = new Map<string, JournalEntry>();
  for (const { host } of asked) {
    const entry = await lastApply(context.stateFolder, host, plan.runbook);
    if (entry !== undefined) journal.set(host, ofTags(entry, asked, host, options.tags));
  }
  const before = earlierRunbook(asked, journal);
  const earlier =
    before === undefined
      ? undefined
      : await again({
          runbook: before.runbook,
          hosts: context.hosts.filter(({ name }) => before.hosts.has(name)),
        });
  const key = await planKey(context.stateFolder);
  const read = new Set(plan.hosts.map(({ host }) => host));
  const found = findDrift({
    hosts: asked.filter(({ host }) => read.has(host)),
    journal,
    plan,
    earlier: earlier?.plan,
    digest: (text) => key.digest('journal', text),
    conceal: (text) => context.secrets.conceal(text),
  });
  const report = output.concealed(
    driftReport(found, {
      runbook: plan.runbook,
      cluster: plan.cluster,
      hosts: read.size,
      unread: outcome.hosts.map(({ host }) => host).filter((host) => !read.has(host)),
    }),
  );
  const format = options.format ?? (options.json === true ? 'json' : 'terminal');
  const { colors, width, settings } = output;
  if (format === 'json') output.json({ type: 'drift', ...report });
  else if (format === 'markdown') process.stdout.write(driftMarkdown(report));
  else output.print(driftText(output.shown(report), { colors, width, verbose: settings.verbose }));
  const failed = [outcome.exitCode, earlier?.exitCode].find(
    (code) => code !== undefined && code !== ExitCode.done,
  );
  if (failed !== undefined) return failed;
  return found.length > 0 && options.detailedExitcode === true
    ? ExitCode.changesPending
    : ExitCode.done;
}

/** With `--tags`, steps that are not looked at now are no steps that went. */
function ofTags(
  entry: JournalEntry,
  asked: RunOutcome['asked'],
  host: string,
  tags: readonly string[] | undefined,
): JournalEntry {
  if (tags === undefined) return entry;
  const plays = asked.find((one) => one.host === host)?.plays ?? [];
  const ids = new Set(plays.flatMap(({ steps }) => steps.map(({ id }) => id)));
  return { ...entry, steps: entry.steps.filter(({ id }) => ids.has(id)) };
}
