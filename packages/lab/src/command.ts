import { stripVTControlCharacters } from 'node:util';
import { DiagnosticError } from '@skerry/diagnostics';
import { $ } from 'zx/core';

export interface CommandOptions {
  readonly signal?: AbortSignal | undefined;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Whole lines of stdout and stderr as they come. */
  readonly onLine?: (line: string) => void;
  /** Exit statuses that are no error; default only 0. */
  readonly accept?: readonly number[] | 'any';
  /** What ends the command when it is interrupted; default SIGTERM. */
  readonly killSignal?: NodeJS.Signals;
  /** Milliseconds; then the command is killed and counts as failed. */
  readonly deadline?: number;
}

export interface CommandResult {
  /** 128 + n where a signal ended it, as shells say. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The last lines of a command's output: enough to see why it failed. */
function tail(text: string, lines = 15): string {
  return text.trimEnd().split('\n').slice(-lines).join('\n');
}

/**
 * Runs one local command to its end.
 *
 * @throws DiagnosticError `command-failed`, with the command and the end of its output.
 */
export async function command(
  argv: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const child = $({
    nothrow: true,
    quiet: true,
    stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    ...(options.input === undefined ? {} : { input: options.input }),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    ...(options.deadline === undefined ? {} : { timeout: options.deadline }),
    ...(options.killSignal === undefined ? {} : { killSignal: options.killSignal }),
    env: { ...process.env, LC_ALL: 'C.UTF-8', ...options.env },
  })`${argv}`;
  const { onLine } = options;
  if (onLine !== undefined) {
    for (const stream of [child.stdout, child.stderr]) {
      let rest = '';
      stream.on('data', (chunk: Buffer | string) => {
        const lines = (rest + chunk.toString()).split(/\r?\n|\r/);
        rest = lines.pop() ?? '';
        for (const line of lines) {
          const plain = stripVTControlCharacters(line).trimEnd();
          if (plain !== '' && !/^Progress: \d+%/.test(plain)) onLine(plain);
        }
      });
    }
  }
  const output = await child;
  const code = output.exitCode ?? 128 + 15;
  const accept = options.accept ?? [0];
  if (accept !== 'any' && !accept.includes(code)) {
    const said = tail(output.stderr.trim() === '' ? output.stdout : output.stderr);
    throw new DiagnosticError({
      code: 'command-failed',
      severity: 'error',
      what: `\`${argv.slice(0, 6).join(' ')}${argv.length > 6 ? ' …' : ''}\` failed`,
      why: `${output.signal === null ? `exit status ${code}` : `ended by ${output.signal}`}${said === '' ? '' : `:\n${said}`}`,
      fix: 'see the output above; `bootstrap lab up` goes on where it stopped',
    });
  }
  return { code, stdout: output.stdout, stderr: output.stderr };
}

/** Whether a command exits with 0. A command that does not exist does not. */
export async function succeeds(
  argv: readonly string[],
  options: CommandOptions = {},
): Promise<boolean> {
  const { code } = await command(argv, { ...options, accept: 'any' });
  return code === 0;
}
