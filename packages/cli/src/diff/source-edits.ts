import { relative } from 'node:path';
import type { DesiredSource, SourceEdit } from '@skerry/runbook';
import { textDiff } from '@skerry/steps';
import type { RevisionSide } from './revision-side.ts';

/**
 * The templates, files and code that differ between two revisions and that the desired states are
 * made from, each with the lines that were changed.
 */
export function sourceEdits(before: RevisionSide, after: RevisionSide, top: string): SourceEdit[] {
  const [first, second] = [before.fleet.source, after.fleet.source];
  const shared = before.runbook === after.runbook;
  const paths = new Set([...before.sources.used.keys(), ...after.sources.used.keys()]);
  const edits: SourceEdit[] = [];
  for (const path of paths) {
    const was = before.tree.read(path);
    const is = after.tree.read(path);
    if (same(was, is) || !shared) continue;
    const swapped = (side: RevisionSide, bytes: Buffer | undefined): DesiredSource => ({
      ...side.fleet.source,
      resolve: side.sources.with(side.runbook, new Map([[path, bytes]])).contexts(),
    });
    edits.push({
      text: changedLines(relative(top, path), was, is),
      alone: swapped(before, is),
      without: swapped(after, was),
    });
  }
  const code = codeChange(before, after, top);
  if (code !== undefined) {
    edits.push({
      text: code,
      alone: { ...first, runbook: second.runbook },
      without: { ...second, runbook: first.runbook },
    });
  }
  return edits;
}

const mostFiles = 4;

function codeChange(before: RevisionSide, after: RevisionSide, top: string): string | undefined {
  const paths = new Set([...before.code(), ...after.code()]);
  const texts = [...paths].flatMap((path) => {
    const [was, is] = [before.tree.read(path), after.tree.read(path)];
    return same(was, is) ? [] : [changedLines(relative(top, path), was, is)];
  });
  if (texts.length === 0) return undefined;
  const more = texts.length > mostFiles ? ` and ${texts.length - mostFiles} more files` : '';
  return `${texts.slice(0, mostFiles).join(', ')}${more}`;
}

function same(a: Buffer | undefined, b: Buffer | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && a.equals(b));
}

const mostRanges = 6;

/** Bytes of a file whose lines are looked at. */
const mostCompared = 2 * 1024 * 1024;

/** `templates/motd.hbs:3,7-9`: the lines as they are now; where only lines went, those before. */
function changedLines(path: string, was: Buffer | undefined, is: Buffer | undefined): string {
  if (was === undefined) return `${path} (new)`;
  if (is === undefined) return `${path} (removed)`;
  if (was.length + is.length > mostCompared) return `${path} (large)`;
  if (was.includes(0) || is.includes(0)) return `${path} (binary)`;
  const numbers = new Set<number>();
  let line = 0;
  let gone = false;
  for (const text of textDiff(was.toString('utf8'), is.toString('utf8')).split('\n')) {
    const hunk = /^@@ -\d+(?:,\d+)? \+(\d+)/.exec(text);
    if (hunk !== null) line = Number(hunk[1]) - 1;
    else if (text.startsWith('-')) gone = true;
    else if (text.startsWith('+')) {
      numbers.add(++line);
      gone = false;
    } else if (!text.startsWith('\\')) {
      // Lines that went, and none came in their place.
      if (gone) numbers.add(Math.max(1, line));
      gone = false;
      line += 1;
    }
  }
  if (gone) numbers.add(Math.max(1, line));
  const ranges: [number, number][] = [];
  for (const number of [...numbers].toSorted((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] + 1 >= number) last[1] = number;
    else ranges.push([number, number]);
  }
  const shown = ranges
    .slice(0, mostRanges)
    .map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`));
  return `${path}:${shown.join(',')}${ranges.length > mostRanges ? ',…' : ''}`;
}
