import { DiagnosticError, ExitCode } from '@skerry/diagnostics';
import type { RunResult } from '@skerry/executor';
import type { Host } from '@skerry/inventory';
import { hostFailure, HostFailure, HostLink, type HostRecap } from '@skerry/runbook';
import { openInventory } from '../inventory-file.ts';
import { onInterrupt } from '../interrupt.ts';
import type { ConnectOptions } from '../options.ts';
import { Output, outputSettings } from '../output.ts';
import { duration } from '../render/duration.ts';
import { counted, hostNames } from '../render/host-names.ts';
import { failureBlocks } from '../render/recap.ts';
import { reachLab } from '../reach-lab.ts';
import { openRun, type RunContext } from '../run-context.ts';

interface ExecOptions extends ConnectOptions {
  readonly become?: boolean;
  /** Seconds. */
  readonly deadline: number;
}

/** What a command did on one host; `code` is its exit status. */
interface ExecAnswer {
  readonly host: string;
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly milliseconds: number;
}

type Answer = ExecAnswer | { readonly host: string; readonly failure: HostFailure };

/** `bootstrap exec`: one command on the selected hosts, one exec channel each. */
export async function exec(
  path: string,
  command: readonly string[],
  options: ExecOptions,
): Promise<ExitCode> {
  if (!(options.deadline > 0)) {
    throw new DiagnosticError({
      code: 'bad-deadline',
      severity: 'error',
      what: '--deadline is no number of seconds above 0',
      fix: 'write for example --deadline 60',
    });
  }
  const output = new Output(outputSettings(options));
  using interrupt = onInterrupt((text) => output.complain(text));
  const { inventory } = await openInventory(path, options.limit);
  const ended = await reachLab(inventory, { ...options, start: false }, output);
  if (ended !== undefined) return ended as ExitCode;
  const context = await openRun(path, options, output, 'connection');
  try {
    const answers = await onEach(context.hosts, options.forks, (host) =>
      ask(context, host, command, options, interrupt.signal),
    );
    return tell(answers, output);
  } finally {
    await context.connector.close();
  }
}

/** Runs `task` for every item, at most `width` at a time; results in the order of the items. */
async function onEach<T, R>(
  items: readonly T[],
  width: number,
  task: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const results = new Map<number, R>();
  const queue = items.entries();
  const worker = async (): Promise<void> => {
    for (const [index, item] of queue) results.set(index, await task(item));
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker));
  return items.flatMap((_, index) => {
    const result = results.get(index);
    return result === undefined ? [] : [result];
  });
}

async function ask(
  context: RunContext,
  host: Host,
  command: readonly string[],
  options: ExecOptions,
  signal: AbortSignal,
): Promise<Answer> {
  const started = performance.now();
  try {
    const link = new HostLink(host.name, context.connector, context.endpointOf(host));
    try {
      // One word is a script of its own; several are a command with its arguments, left as they are.
      const code = command.length === 1 ? 'sh -c "$1"' : '"$@"';
      const result = await link.run(options.become === true, [{ code, args: command }], {
        deadline: options.deadline * 1000,
        signal,
      });
      return {
        host: host.name,
        ...answerOf(result),
        milliseconds: Math.round(performance.now() - started),
      };
    } finally {
      await link.close();
    }
  } catch (error) {
    return { host: host.name, failure: hostFailure(error, 'unreachable') };
  }
}

function answerOf(result: RunResult): Pick<ExecAnswer, 'code' | 'stdout' | 'stderr'> {
  const [part] = result.parts;
  if (result.outcome === 'exited' && part !== undefined) return part;
  throw new HostFailure('unknown', {
    code: result.outcome === 'exited' ? 'empty-answer' : `command-${result.outcome.toLowerCase()}`,
    what:
      result.outcome === 'timedOut'
        ? 'timed out: what the command did is unknown'
        : 'the command did not tell how it ended: what it did is unknown',
    why: result.outcome === 'exited' ? 'the host gave no answer' : result.reason,
    fix: 'look at the host before you run the command again',
  });
}

function tell(answers: readonly Answer[], output: Output): ExitCode {
  const { colors, settings, width } = output;
  const done = answers.filter((answer): answer is ExecAnswer => !('failure' in answer));
  const failed = answers.flatMap((answer): HostRecap[] =>
    'failure' in answer
      ? [
          {
            host: answer.host,
            outcome: answer.failure.outcome,
            failure: answer.failure.failure,
            changed: 0,
            converged: 0,
            handlers: 0,
            execs: 1,
          },
        ]
      : [],
  );
  const ill = failed.length > 0 || done.some(({ code }) => code !== 0);
  if (settings.json) {
    for (const { host, code, stdout, stderr, milliseconds } of done) {
      output.json({ type: 'exec-finished', host, code, stdout, stderr, milliseconds });
    }
    for (const { host, outcome, failure } of failed) {
      output.json({ type: 'host-failed', host, outcome, failure });
    }
  } else {
    for (const block of foldAnswers(output.shown(done))) {
      const count = block.hosts.length > 1 ? ` (${counted(block.hosts.length, 'host')})` : '';
      const status = block.code === 0 ? '' : colors.red(`  exit ${block.code}`);
      const time = colors.dim(`  ${duration(block.milliseconds)}`);
      output.print(`${colors.bold(hostNames(block.hosts))}${count}${status}${time}`);
      if (block.stdout !== '') output.print(block.stdout.replace(/\n$/, ''));
      if (block.stderr !== '') output.print(colors.yellow(block.stderr.replace(/\n$/, '')));
    }
    if (failed.length > 0) {
      output.complain(failureBlocks(output.shown(failed), { colors, width, mode: 'apply' }));
    }
  }
  if (failed.some(({ outcome }) => outcome === 'unknown')) return ExitCode.outcomeUnknown;
  return ill ? ExitCode.hostsFailed : ExitCode.done;
}

/** The same answer of N hosts is one block with N names; the time is that of the slowest. */
function foldAnswers(
  answers: readonly ExecAnswer[],
): readonly (Omit<ExecAnswer, 'host'> & { readonly hosts: readonly string[] })[] {
  const blocks = new Map<string, Omit<ExecAnswer, 'host'> & { hosts: string[] }>();
  for (const { host, code, stdout, stderr, milliseconds } of answers) {
    const key = JSON.stringify([code, stdout, stderr]);
    const block = blocks.get(key);
    if (block === undefined) blocks.set(key, { hosts: [host], code, stdout, stderr, milliseconds });
    else {
      block.hosts.push(host);
      blocks.set(key, { ...block, milliseconds: Math.max(block.milliseconds, milliseconds) });
    }
  }
  return [...blocks.values()];
}
