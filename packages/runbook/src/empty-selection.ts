import { didYouMean, DiagnosticError, type Diagnostic } from '@skerry/diagnostics';
import type { RunRequest } from './request.ts';

/** Throws a DiagnosticError where no play of the runbook works on any of the selected hosts. */
export function requireHosts(request: RunRequest, taking: number): void {
  if (taking > 0) return;
  const { runbook, hosts } = request;
  const names = hosts.map(({ name }) => name);
  const shown = names.length > 5 ? `${names.slice(0, 5).join(', ')} … (${names.length})` : names;
  throw new DiagnosticError({
    code: 'no-hosts',
    severity: 'error',
    what: `no play of the runbook "${runbook.name}" works on the selected hosts: ${String(shown)}`,
    why: runbook.plays
      .map(({ name, options }) => `play "${name}" is for ${options.hosts}`)
      .join('\n'),
    fix: 'select hosts that a play is for, with another --limit or without it',
  });
}

/**
 * Throws a DiagnosticError that names each tag asked for that is not among `known`: nothing would be
 * looked at for it, and that would read as "as desired".
 */
export function requireTags(request: RunRequest, known: ReadonlySet<string>): void {
  const all = new Set([
    ...known,
    ...request.runbook.plays.flatMap(({ options }) => options.tags ?? []),
  ]);
  const wrong = (request.tags ?? []).filter((tag) => !all.has(tag));
  if (wrong.length === 0) return;
  throw new DiagnosticError(
    [...new Set(wrong)].map((tag): Diagnostic => ({
      code: 'unknown-tag',
      severity: 'error',
      what: `no play and no step that the selected hosts get has the tag "${tag}"`,
      fix: didYouMean(tag, [...all]) ?? tagsText([...all]),
    })),
  );
}

function tagsText(all: readonly string[]): string {
  if (all.length === 0) return 'leave --tags out: nothing in this runbook has a tag';
  return `the tags are ${all.toSorted().join(', ')}`;
}
