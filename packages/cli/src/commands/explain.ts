import { relative } from 'node:path';
import { ExitCode } from '@skerry/diagnostics';
import type { Host } from '@skerry/inventory';
import { parameterRule } from '@skerry/kubernetes';
import {
  cachedFacts,
  DesiredFleet,
  explainStep,
  neutralFacts,
  neutralFactsText,
  type DesiredSource,
  type ExplainedStep,
  type ExplainedValue,
  type Facts,
  type StepInput,
} from '@skerry/runbook';
import { environmentSecrets } from '../diff/environment-secrets.ts';
import { openSide, type RevisionSide } from '../diff/revision-side.ts';
import { WorkingTree } from '../diff/source-tree.ts';
import { hostNamed, openInventory, stateFolder } from '../inventory-file.ts';
import type { OutputOptions } from '../options.ts';
import { Output, outputSettings, type Colors } from '../output.ts';
import { wrap } from '../render/layout.ts';

export interface ExplainOptions extends OutputOptions {
  readonly runbook: string;
}

/** What Skerry knows by itself, and where that is written. */
interface KnownRule {
  readonly rule: string;
  readonly reason: string;
  readonly source: string;
}

interface Explanation extends Omit<ExplainedStep, 'values'> {
  readonly runbook: string;
  /** `runbooks/prepare-nodes.ts:38`: where the play begins; undefined where it is not found. */
  readonly at: string | undefined;
  readonly template: string | undefined;
  readonly values: readonly (ExplainedValue & { readonly rule?: KnownRule })[];
  readonly notes: readonly string[];
}

/** `explain INVENTORY HOST STEP`: where each value of a step comes from. Asks no host. */
export async function explain(
  path: string,
  hostName: string,
  step: string,
  options: ExplainOptions,
): Promise<ExitCode> {
  using defer = new DisposableStack();
  const output = new Output(outputSettings(options));
  const { inventory } = await openInventory(path, undefined);
  output.conceal(environmentSecrets(inventory.hosts));
  const host = hostNamed(inventory, hostName);
  const folder = stateFolder(inventory);
  const facts = new Map<string, Facts>();
  for (const one of inventory.hosts) {
    facts.set(one.name, (await cachedFacts(folder, one.name)) ?? neutralFacts(one));
  }
  const known = await cachedFacts(folder, host.name);
  const side = await openSide(new WorkingTree(), {
    top: process.cwd(),
    inventory,
    runbook: options.runbook,
    tags: undefined,
    facts,
    defer,
  });
  const { values, ...found } = explainStep(side.fleet, host, step);
  const explanation: Explanation = {
    ...found,
    runbook: side.fleet.source.runbook.name,
    at: playLine(side, found.play),
    template: found.kind === 'template' ? templateOf(side, host, step) : undefined,
    values: values.map((value) => {
      const rule = ruleOf(found.kind, value);
      return rule === undefined ? value : { ...value, rule };
    }),
    notes:
      known === undefined
        ? [`${host.name} has not been read by a run from here: taken as ${neutralFactsText}.`]
        : [],
  };
  if (output.settings.json) output.json({ type: 'explanation', ...explanation });
  else output.print(explanationText(output.shown(explanation), output.colors, output.width));
  return ExitCode.done;
}

function ruleOf(kind: string, { path, value, from }: ExplainedValue): KnownRule | undefined {
  if (kind !== 'sysctl' || !path.startsWith('values.')) return undefined;
  const known = parameterRule(path.slice('values.'.length));
  if (known === undefined) return undefined;
  const { rule, reason, source } = known;
  if (from.length === 0 && String(known.value) === value) return { rule, reason, source };
  return { rule: `over Skerry's own ${known.value} (${rule})`, reason, source };
}

/** Where a play begins in the code of the runbook. */
function playLine(side: RevisionSide, play: string): string | undefined {
  const at = side.fleet.source.runbook.plays.find(({ name }) => name === play)?.at;
  return at === undefined ? undefined : `${relative(process.cwd(), at.file)}:${at.line}`;
}

/** The template of a step: the one without which it would be another. */
function templateOf(side: RevisionSide, host: Host, step: string): string | undefined {
  const contentOf = (resolve: DesiredSource['resolve']): string => {
    const { plays } = new DesiredFleet({ ...side.fleet.source, resolve }).of(host);
    const found = plays.flatMap(({ steps }) => steps).find(({ id }) => id === step);
    return JSON.stringify(found?.desired);
  };
  const now = contentOf(side.fleet.source.resolve);
  for (const [file, bytes] of side.sources.used) {
    if (bytes === undefined) continue;
    const marked = new Map([[file, Buffer.concat([bytes, Buffer.from('.')])]]);
    const other = side.sources.with(side.runbook, marked).contexts();
    if (contentOf(other) !== now) return file;
  }
  return undefined;
}

function explanationText(found: Explanation, colors: Colors, width: number): string {
  const { host, play, id, summary, at, runbook, needs, notifies, because } = found;
  const head = [
    `${colors.bold(id)} on ${colors.bold(colors.cyan(host))}  ${colors.dim(summary)}`,
    `  play ${play} of ${runbook}${at === undefined ? '' : `  ${colors.dim(at)}`}`,
    ...(found.template === undefined ? [] : [`  template ${found.template}`]),
    ...(needs.length === 0 ? [] : [`  needs ${needs.join(', ')}`]),
    ...(notifies.length === 0 ? [] : [`  notifies ${notifies.join(', ')}`]),
    ...because.map((input) => `  asked for at all because of ${inputText(input, colors)}`),
  ];
  const own = found.values.filter(({ from, rule }) => from.length === 0 && rule === undefined);
  const values = found.values.flatMap(({ path, value, from, rule }, index) => {
    if (from.length === 0 && rule === undefined) return [];
    const next = found.values[index + 1];
    const again = JSON.stringify([next?.from, next?.rule]) === JSON.stringify([from, rule]);
    return [
      `  ${path} = ${colors.green(oneLine(value))}`,
      ...(again ? [] : reasons(from, rule, colors, width)),
    ];
  });
  const said = own.map(({ path, value }) => `    ${path} = ${oneLine(value)}`);
  if (own.length > 0)
    values.push(colors.dim('  said by the runbook, the template or the step itself:'));
  return [
    ...head,
    '',
    ...values,
    ...said.map(colors.dim),
    ...found.notes.map((note) => colors.dim(note)),
  ].join('\n');
}

function reasons(
  from: readonly StepInput[],
  rule: KnownRule | undefined,
  colors: Colors,
  width: number,
): readonly string[] {
  const known =
    rule === undefined ? [] : wrap(`rule ${rule.rule}: ${rule.reason} (${rule.source})`, width - 6);
  return [
    ...from.map((input) => `      ${inputText(input, colors)}`),
    ...known.map((text) => `      ${colors.magenta(text)}`),
  ];
}

function inputText({ path, value, level, position }: StepInput, colors: Colors): string {
  const said = typeof value === 'string' ? value : JSON.stringify(value);
  const where = position === undefined ? level : `${position} (${level})`;
  return `${colors.dim(where)} ${path} = ${oneLine(said)}`;
}

function oneLine(text: string): string {
  const line = text.replaceAll('\n', '⏎');
  return line.length > 100 ? `${line.slice(0, 99)}…` : line;
}
