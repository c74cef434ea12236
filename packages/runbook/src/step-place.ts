import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatPosition, type SourcePosition } from '@skerry/diagnostics';
import type { Step } from '@skerry/steps';
import type { Play } from './dsl.ts';

/** The place in the code that called the function that calls this. */
export function callerPlace(): SourcePosition | undefined {
  const [, , , frame = ''] = (new Error('where').stack ?? '').split('\n');
  const [, at = '', line, column] = /\(?((?:file:\/\/)?\/[^)]*):(\d+):(\d+)\)?$/.exec(frame) ?? [];
  if (at === '') return undefined;
  const file = at.startsWith('file:') ? fileURLToPath(at) : at;
  return { file, line: Number(line), column: Number(column) };
}

/**
 * `runbooks/mine.ts:12:7`: where a step is asked for, or, where its name is made up as the runbook
 * runs, where its play begins. For errors: the file is read again.
 */
export function placeOf(play: Play, step: Step): string | undefined {
  if (play.at === undefined) return undefined;
  const { file, line } = play.at;
  const found = stepIn(file, line, step) ?? play.at;
  const shown = relative(process.cwd(), file);
  return formatPosition({ ...found, file: shown.startsWith('..') ? file : shown });
}

function stepIn(file: string, from: number, { kind, name }: Step): SourcePosition | undefined {
  let lines: string[];
  try {
    lines = readFileSync(file, 'utf8')
      .split('\n')
      .slice(from - 1);
  } catch {
    return undefined;
  }
  const quoted = ["'", '"', '`'].map((quote) => `${quote}${name}${quote}`);
  const call = new RegExp(String.raw`\b${kind.kind}\(`);
  for (const [index, text] of lines.entries()) {
    const start = text.search(call);
    if (start < 0) continue;
    const rest = [text.slice(start), lines[index + 1] ?? ''].join('\n');
    const argument = rest.slice(kind.kind.length + 1).trimStart();
    if (name === '' || quoted.some((word) => argument.startsWith(word))) {
      return { file, line: from + index, column: start + 1 };
    }
  }
  return undefined;
}
