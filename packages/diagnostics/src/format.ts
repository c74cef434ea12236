import pc from 'picocolors';
import type { Diagnostic, HostPosition, SourcePosition } from './diagnostic.ts';

type Colors = ReturnType<typeof pc.createColors>;

function isSource(at: SourcePosition | HostPosition): at is SourcePosition {
  return 'file' in at;
}

/** `file:line:col`, or `host › step`. */
export function formatPosition(at: SourcePosition | HostPosition): string {
  if (isSource(at)) return `${at.file}:${at.line}:${at.column}`;
  return at.step === undefined ? at.host : `${at.host} › ${at.step}`;
}

/** Of longer lines only the surroundings of the mark are shown. */
const frameWidth = 160;

/** Control characters would move the cursor or change colours; a tab is kept, it is only wide. */
function visible(text: string): string {
  // oxlint-disable-next-line no-control-regex -- these are what is looked for
  return text.replaceAll(/[\u0000-\u0008\u000B-\u001F\u007F-\u009F]/g, '\uFFFD');
}

function codeFrame(at: SourcePosition, colors: Colors): string[] {
  if (at.text === undefined) return [];
  const start = Math.max(0, at.column - 1);
  const cut = start < frameWidth * 0.75 ? 0 : start - Math.floor(frameWidth / 2);
  const before = cut > 0 ? '…' : '';
  const after = at.text.length > cut + frameWidth ? '…' : '';
  const text = before + visible(at.text.slice(cut, cut + frameWidth)) + after;
  const column = start - cut + before.length;
  const gutter = String(at.line);
  const pad = ' '.repeat(gutter.length);
  const lead = text.slice(0, column).replaceAll(/[^\t]/g, ' ');
  const room = Math.max(1, text.length - column);
  const marks = '^'.repeat(Math.max(1, Math.min(at.length ?? 1, room)));
  return [
    colors.dim(`  ${pad} |`),
    `${colors.dim(`  ${gutter} |`)} ${text}`,
    `${colors.dim(`  ${pad} |`)} ${lead}${colors.red(marks)}`,
  ];
}

/**
 * A diagnostic as lines for a person:
 *
 *     error: unknown key "adress"  [unknown-key]
 *       at inventory/oslo.yaml:12:7
 *          |
 *       12 |       adress: 10.0.0.1
 *          |       ^^^^^^
 *       why: …
 *       fix: did you mean "address"?
 */
export function formatDiagnostic(
  diagnostic: Diagnostic,
  options: { color?: boolean } = {},
): string {
  const colors = pc.createColors(options.color ?? false);
  const word = diagnostic.severity === 'error' ? colors.red('error') : colors.yellow('warning');
  const lines = [
    `${word}: ${visible(indent(diagnostic.what))}  ${colors.dim(`[${diagnostic.code}]`)}`,
  ];
  if (diagnostic.at !== undefined) {
    lines.push(`  at ${colors.cyan(formatPosition(diagnostic.at))}`);
    if (isSource(diagnostic.at)) lines.push(...codeFrame(diagnostic.at, colors));
  }
  if (diagnostic.why !== undefined) lines.push(`  why: ${visible(indent(diagnostic.why))}`);
  if (diagnostic.fix !== undefined) lines.push(`  fix: ${visible(indent(diagnostic.fix))}`);
  return lines.join('\n');
}

function indent(text: string): string {
  return text.replaceAll('\n', '\n       ');
}
