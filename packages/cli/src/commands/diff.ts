import { ExitCode } from '@skerry/diagnostics';
import { compareAt, type CompareOptions } from '../diff/compare-at.ts';
import { asPlanReport, isSame, type DiffReport } from '../diff/diff-report.ts';
import { diffText } from '../diff/diff-text.ts';
import type { DiffFormat, OutputOptions } from '../options.ts';
import { Output, jsonLine, outputSettings } from '../output.ts';
import { linkOf } from './show.ts';

export interface DiffOptions extends OutputOptions, CompareOptions {
  readonly detailedExitcode?: boolean;
  readonly format?: DiffFormat;
  readonly link?: string;
}

/** `diff INVENTORY`: what two revisions ask for differently. Asks no host, and checks nothing out. */
export async function diff(path: string, options: DiffOptions): Promise<ExitCode> {
  const output = new Output(outputSettings(options));
  const report = await compareAt(path, options);
  const format = options.format ?? (options.json === true ? 'json' : 'terminal');
  if (format === 'terminal') {
    const { colors, width, settings } = output;
    output.print(diffText(report, { colors, width, verbose: settings.verbose }));
  } else {
    process.stdout.write(await rendered(report, format, options));
  }
  return options.detailedExitcode === true && !isSame(report)
    ? ExitCode.changesPending
    : ExitCode.done;
}

async function rendered(
  report: DiffReport,
  format: Exclude<DiffFormat, 'terminal'>,
  options: DiffOptions,
): Promise<string> {
  switch (format) {
    case 'text': {
      const { colors } = new Output({ json: false, verbose: true, color: false, live: false });
      return `${diffText(report, { colors, width: 100, verbose: true })}\n`;
    }
    case 'markdown': {
      const { planMarkdown } = await import('../render/saved/markdown.ts');
      return planMarkdown(asPlanReport(report), linkOf(options.link));
    }
    case 'html': {
      const { planHtml } = await import('../render/saved/html.ts');
      return planHtml(asPlanReport(report));
    }
    case 'json':
      return `${jsonLine({ type: 'diff', ...report })}\n`;
  }
}
