import { DiagnosticError, ExitCode } from '@skerry/diagnostics';
import { loadInventory } from '@skerry/inventory';
import type { SavedPlan } from '@skerry/runbook';
import type { OutputOptions, ShowFormat } from '../options.ts';
import { Output, outputSettings } from '../output.ts';
import { openPlan } from '../plan-file/open.ts';
import { planText } from '../render/plan-text.ts';
import { planReport, visible } from '../render/saved/report.ts';
import { findSource } from '../plan-file/sources.ts';
import { openPolicy, type PlacedVerdict, type PolicyOptions } from '../policy/open-policy.ts';
import { verdictText } from '../policy/verdict-text.ts';
import { mapStrings } from '../terminal-text.ts';

export interface ShowOptions extends OutputOptions, PolicyOptions {
  /** For a policy that names groups; looked for where the plan says, by default. */
  readonly inventory?: string;
  readonly format?: ShowFormat;
  /** Where the whole plan can be seen: for `markdown`, when it has to be cut. */
  readonly link?: string;
}

/** `show PLAN`: a saved plan for one kind of reader, on standard output. Asks no host. */
export async function show(path: string, options: ShowOptions): Promise<ExitCode> {
  const saved = await openPlan(path);
  const format = options.format ?? (options.json === true ? 'json' : 'terminal');
  const output = new Output(outputSettings(options));
  const verdict = await verdictOn(saved, path, options);
  const exitCode = verdict?.verdict === 'denied' ? ExitCode.denied : ExitCode.done;
  if (format === 'terminal') {
    output.print(heading(saved, output));
    output.print(textOf(saved, output));
    if (verdict !== undefined) output.print(verdictText(output.shown(verdict), output));
    return exitCode;
  }
  process.stdout.write(await rendered(saved, format, options, verdict));
  return exitCode;
}

/** What the policy says of the plan, where one is given. */
async function verdictOn(
  saved: SavedPlan,
  path: string,
  options: ShowOptions,
): Promise<PlacedVerdict | undefined> {
  if (options.policy === undefined && options.deny === undefined) return undefined;
  const file = options.inventory ?? (await findSource(saved.file.inventory, path));
  const inventory = file === undefined ? undefined : await loadInventory(file);
  return (await openPolicy(options, inventory))?.judge(saved.plan);
}

async function rendered(
  saved: SavedPlan,
  format: Exclude<ShowFormat, 'terminal'>,
  options: ShowOptions,
  verdict: PlacedVerdict | undefined,
): Promise<string> {
  const report = {
    ...planReport(saved),
    ...(verdict === undefined ? {} : { policy: mapStrings(verdict, visible) }),
  };
  switch (format) {
    case 'text': {
      const output = new Output({ json: false, verbose: true, color: false, live: false });
      const said = verdict === undefined ? '' : `${verdictText(output.shown(verdict), output)}\n`;
      return `${heading(saved, output)}\n${textOf(saved, output)}\n${said}`;
    }
    case 'markdown': {
      const { planMarkdown } = await import('../render/saved/markdown.ts');
      return planMarkdown(report, linkOf(options.link));
    }
    case 'html': {
      const { planHtml } = await import('../render/saved/html.ts');
      return planHtml(report);
    }
    case 'json': {
      const { planJson } = await import('../render/saved/json.ts');
      return planJson(report);
    }
    case 'junit': {
      const { planJunit } = await import('../render/saved/junit.ts');
      return planJunit(report);
    }
  }
}

function heading({ file }: SavedPlan, output: Output): string {
  const { created, tool, inventory, digest } = output.shown(file);
  return output.colors.dim(`Made ${created} by Skerry ${tool} from ${inventory.path}, ${digest}\n`);
}

function textOf({ plan }: SavedPlan, output: Output): string {
  const { colors, width } = output;
  const { verbose, color } = output.settings;
  return planText(output.shown(plan), { colors, width: color ? width : 100, verbose });
}

export function linkOf(link: string | undefined): { link?: string } {
  if (link === undefined) return {};
  if (URL.canParse(link) && /^https?:$/.test(new URL(link).protocol)) return { link };
  throw new DiagnosticError({
    code: 'bad-link',
    severity: 'error',
    what: `--link ${link} is no address of a web page`,
    fix: 'write it with https://',
  });
}
