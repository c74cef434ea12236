import { InvalidArgumentError, Option, type Command } from 'commander';

/** Options that every command with output for people has. */
export interface OutputOptions {
  readonly json?: boolean;
  readonly verbose?: boolean;
  readonly color: boolean;
}

export interface SelectOptions {
  readonly limit?: string;
}

export interface ConnectOptions extends OutputOptions, SelectOptions {
  /** How many hosts at a time. */
  readonly forks: number;
  readonly askSudoPassword?: boolean;
  readonly yes?: boolean;
}

export interface RunOptions extends ConnectOptions {
  readonly tags?: readonly string[];
  readonly detailedExitcode?: boolean;
  readonly dryRun?: boolean;
  readonly check?: boolean;
  /** Only what drifted since the last apply. */
  readonly refreshOnly?: boolean;
  readonly format?: DriftFormat;
  readonly deny?: readonly string[];
  readonly policy?: string;
  /** The name of the cluster, as consent to what cannot be taken back. */
  readonly cluster?: string;
  /** The folder of a bundle. */
  readonly bundle?: string;
  /** Where `plan` saves the plan. */
  readonly out?: string;
}

function wholeNumber(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1) {
    throw new InvalidArgumentError('It must be a whole number of at least 1.');
  }
  return number;
}

/** An option that can be given several times. */
function repeated(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

export function withPolicy(command: Command): Command {
  return command
    .option(
      '--deny <rule>',
      "a rule that the plan has to keep: opaque, format, 'hosts all > 25%'",
      repeated,
    )
    .option('--policy <file>', 'rules in a file (docs/review.md)');
}

/** The readers that `show` writes for. */
export const showFormats = ['terminal', 'text', 'markdown', 'html', 'json', 'junit'] as const;
export type ShowFormat = (typeof showFormats)[number];

/** The readers that `diff` writes for. */
export const diffFormats = ['terminal', 'text', 'markdown', 'html', 'json'] as const;
export type DiffFormat = (typeof diffFormats)[number];

/** The readers that `plan --refresh-only` writes for. */
export const driftFormats = ['terminal', 'markdown', 'json'] as const;
type DriftFormat = (typeof driftFormats)[number];

/** Seconds of `90s`, `30m`, `24h`, `7d`: a year at most, for so long it is known which plans were used. */
export function seconds(text: string): number {
  const [, number = '', unit = ''] = /^(\d{1,6})(s|m|h|d)$/.exec(text) ?? [];
  const factor = { s: 1, m: 60, h: 3600, d: 86_400 }[unit];
  if (factor === undefined) throw new InvalidArgumentError('Write it as 90s, 30m, 24h or 7d.');
  const most = 365 * 86_400;
  if (Number(number) * factor > most) throw new InvalidArgumentError('It is at most 365d.');
  return Number(number) * factor;
}

export function list(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, ...text.split(',').filter((word) => word !== '')];
}

/** `--var NAME=VALUE`, any number of times: JSON where the value parses as such, else a text. */
export function variable(
  text: string,
  before: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  const [, name = '', value = ''] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (name === '') throw new InvalidArgumentError('Write it as NAME=VALUE.');
  try {
    return { ...before, [name]: JSON.parse(value) as unknown };
  } catch {
    return { ...before, [name]: value };
  }
}

export function withOutput(command: Command): Command {
  return command
    .option('--json', 'print one JSON object per line (docs/json.md)')
    .option('-v, --verbose', 'show more: output of steps, what is as desired already')
    .option('--no-color', 'no colours (as does the environment variable NO_COLOR)');
}

export function withLimit(command: Command): Command {
  return command.option(
    '-l, --limit <pattern>',
    "only these hosts: names, groups, globs, role=NAME; 'a,b' or, 'a:&b' and, 'a:!b' not",
    (pattern: string, before: string | undefined) =>
      before === undefined ? pattern : `${before},${pattern}`,
  );
}

export function withConnection(command: Command): Command {
  return withOutput(withLimit(command))
    .addOption(
      new Option('-f, --forks <n>', 'how many hosts at a time').default(20).argParser(wholeNumber),
    )
    .option('-K, --ask-sudo-password', 'ask once, before any connection, for the sudo password')
    .option('-y, --yes', 'answer every question with yes');
}

export function withRun(command: Command): Command {
  return withPolicy(withConnection(command))
    .option('-t, --tags <tags>', 'only plays and steps with one of these tags', list)
    .option(
      '--bundle <dir>',
      'programs, images and add-ons come from this folder only (docs/bundle.md)',
    )
    .option(
      '--cluster <name>',
      'the name of the cluster, for a runbook that asks for it (reset), beside --yes',
    )
    .option('--detailed-exitcode', 'a plan with changes exits with 2');
}
