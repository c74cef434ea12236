import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DiagnosticError } from '@skerry/diagnostics';
import type { DesiredPlay } from '../desired/desired-state.ts';

/** What one step asked for when it was last applied. */
export interface JournalStep {
  readonly play: string;
  readonly become: boolean;
  readonly id: string;
  /** With tokens in place of secrets; undefined where it must not be kept. */
  readonly desired?: unknown;
  /** Keyed digest of what is not kept. */
  readonly digest?: string;
}

/** One apply, as it ended on one host: all of this was so, for the host was read again. */
export interface JournalEntry {
  readonly version: 1;
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly runbook: string;
  readonly steps: readonly JournalStep[];
}

/** A host that is as it was asked to be, at the end of an apply. */
export interface AskedHost {
  readonly host: string;
  readonly verified: boolean;
  readonly plays: readonly DesiredPlay[];
}

export interface JournalInput {
  readonly runbook: string;
  readonly hosts: readonly AskedHost[];
  readonly now: Date;
  /** Whether only some steps were asked for (`--tags`): the others stay as they were. */
  readonly partial: boolean;
  readonly conceal: (text: string) => string;
  /** For what must not be kept in clear. */
  readonly digest: (text: string) => string;
}

/** Entries of one runbook that are kept for each host. */
const kept = 5;

const fileOf = (folder: string, host: string): string =>
  join(folder, 'journal', `${encodeURIComponent(host)}.jsonl`);

/** Writes down what an apply brought about, for each host that was verified. */
export async function writeJournal(folder: string, input: JournalInput): Promise<void> {
  const done = input.hosts.filter(({ verified }) => verified);
  if (done.length === 0) return;
  await mkdir(join(folder, 'journal'), { recursive: true, mode: 0o700 });
  await Promise.all(
    done.map(async ({ host, plays }) => {
      const before = await readEntries(folder, host);
      const last = before.findLast(({ runbook }) => runbook === input.runbook);
      const asked = plays.flatMap((play) =>
        play.steps.map((step) => journalStep(play, step, input)),
      );
      const ids = new Set(asked.map(({ id }) => id));
      const others = input.partial ? (last?.steps ?? []).filter(({ id }) => !ids.has(id)) : [];
      const entry: JournalEntry = {
        version: 1,
        time: input.now.toISOString(),
        runbook: input.runbook,
        steps: [...others, ...asked],
      };
      await replace(fileOf(folder, host), pruned([...before, entry]));
    }),
  );
}

/** The last apply of a runbook on a host; undefined where there is none from this machine. */
export async function lastApply(
  folder: string,
  host: string,
  runbook: string,
): Promise<JournalEntry | undefined> {
  const entries = await readEntries(folder, host);
  return entries.findLast((entry) => entry.runbook === runbook);
}

function journalStep(
  play: DesiredPlay,
  step: DesiredPlay['steps'][number],
  input: JournalInput,
): JournalStep {
  const head = { play: play.play, become: play.become, id: step.id };
  if (isSensitive(step.desired)) {
    return { ...head, digest: input.digest(JSON.stringify(step.desired)) };
  }
  return { ...head, desired: concealed(step.desired, input.conceal) };
}

/** A step whose content must never be shown is not written down either. */
export function isSensitive(desired: unknown): boolean {
  return (
    desired !== null &&
    typeof desired === 'object' &&
    'sensitive' in desired &&
    desired.sensitive === true
  );
}

function concealed(value: unknown, conceal: (text: string) => string): unknown {
  if (typeof value === 'string') return conceal(value);
  if (Array.isArray(value)) return value.map((item: unknown) => concealed(item, conceal));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]: [string, unknown]) => [
      conceal(key),
      concealed(entry, conceal),
    ]),
  );
}

/** The newest entries of each runbook, in order. */
function pruned(entries: readonly JournalEntry[]): readonly JournalEntry[] {
  const counts = new Map<string, number>();
  return entries
    .toReversed()
    .filter(({ runbook }) => {
      const count = (counts.get(runbook) ?? 0) + 1;
      counts.set(runbook, count);
      return count <= kept;
    })
    .toReversed();
}

async function readEntries(folder: string, host: string): Promise<readonly JournalEntry[]> {
  const file = fileOf(folder, host);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new DiagnosticError({
      code: 'journal-unreadable',
      severity: 'error',
      what: `the journal of ${host} cannot be read`,
      why: error instanceof Error ? error.message : String(error),
      fix: `check who owns ${file}`,
    });
  }
  return text.split('\n').flatMap((line) => {
    try {
      const entry = JSON.parse(line) as JournalEntry | null;
      return entry?.version === 1 && Array.isArray(entry.steps) ? [entry] : [];
    } catch {
      // A line that was cut off, or of another version, is no entry.
      return [];
    }
  });
}

async function replace(file: string, entries: readonly JournalEntry[]): Promise<void> {
  const temporary = `${file}.${process.pid}`;
  const text = entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');
  await writeFile(temporary, text, { mode: 0o600 });
  await rename(temporary, file);
}
