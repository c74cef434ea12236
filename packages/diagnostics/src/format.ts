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

function codeFrame(at: SourcePosition, colors: Colors): string[] {
  if (at.text === undefined) return [];
  const gutter = String(at.line);
  const pad = ' '.repeat(gutter.length);
  const lead = at.text.slice(0, at.column - 1).replaceAll(/[^\t]/g, ' ');
  const room = Math.max(1, at.text.length - at.column + 1);
  const marks = '^'.repeat(Math.max(1, Math.min(at.length ?? 1, room)));
  return [
    colors.dim(`  ${pad} |`),
    `${colors.dim(`  ${gutter} |`)} ${at.text}`,
    `${colors.dim(`  ${pad} |`)} ${lead}${colors.red(marks)}`,
  ];
}

/**
 * A diagnostic as lines for a person:
 *
 *     error: unknown key "adress"  [unknown-key]
 *       at inventory/oslo.yaml:12:7
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
  const lines = [`${word}: ${diagnostic.what}  ${colors.dim(`[${diagnostic.code}]`)}`];
  if (diagnostic.at !== undefined) {
    lines.push(`  at ${colors.cyan(formatPosition(diagnostic.at))}`);
    if (isSource(diagnostic.at)) lines.push(...codeFrame(diagnostic.at, colors));
  }
  if (diagnostic.why !== undefined) lines.push(`  why: ${indent(diagnostic.why)}`);
  if (diagnostic.fix !== undefined) lines.push(`  fix: ${indent(diagnostic.fix)}`);
  return lines.join('\n');
}

function indent(text: string): string {
  return text.replaceAll('\n', '\n       ');
}
