import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { eventLine } from '../src/schemas/event-lines.ts';

export const root = resolve(import.meta.dirname, '../../..');
export const entry = resolve(root, 'packages/cli/bin/bootstrap.js');

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Given the process as soon as it runs: to send it a signal. */
  readonly running?: (child: ReturnType<typeof spawn>) => void;
}

/** The environment without what would change the output: colours, CI, an agent, secrets. */
function cleanEnvironment(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const drop = /^(NO_COLOR|FORCE_COLOR|CI|SSH_AUTH_SOCK|VITEST.*|NODE_OPTIONS|NODE_ENV|OSLO_.*)$/;
  const kept = Object.entries(process.env).filter(([name]) => !drop.test(name));
  return { ...Object.fromEntries(kept), ...more };
}

/** Runs a program to its end, with nothing on standard input. */
export async function execute(
  program: string,
  words: readonly string[],
  options: CommandOptions = {},
): Promise<Ended> {
  const child = spawn(program, words, {
    cwd: options.cwd ?? root,
    env: cleanEnvironment(options.env),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const out = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      out[name] += text;
    });
  }
  options.running?.(child);
  const { promise, resolve: done, reject } = Promise.withResolvers<number | null>();
  child.once('error', reject);
  child.once('close', done);
  return { code: await promise, ...out };
}

/** Runs the real command. */
export function bootstrap(words: readonly string[], options: CommandOptions = {}): Promise<Ended> {
  return execute(process.execPath, [entry, ...words], options);
}

/** Runs the real command on a terminal of its own, `keys` typed when `on` is seen in its output. */
export async function onTerminal(
  words: readonly string[],
  dialog: readonly { readonly on: RegExp; readonly keys: string }[],
  options: CommandOptions & { readonly rows?: number; readonly columns?: number } = {},
): Promise<Ended> {
  const { rows = 24, columns = 80 } = options;
  const quoted = [process.execPath, entry, ...words]
    .map((word) => `'${word.replaceAll("'", `'\\''`)}'`)
    .join(' ');
  const line = `stty rows ${rows} cols ${columns}; exec ${quoted}`;
  // script(1) of util-linux makes the terminal.
  const terminal = 'script';
  const child = spawn(terminal, ['-qefc', line, '/dev/null'], {
    cwd: options.cwd ?? root,
    env: cleanEnvironment({ TERM: 'xterm', ...options.env }),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let stdout = '';
  let answered = 0;
  let seen = 0;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    const next = dialog[answered];
    const found = next?.on.exec(stdout.slice(seen));
    if (next === undefined || found === null || found === undefined) return;
    seen += found.index + found[0].length;
    answered += 1;
    child.stdin.write(next.keys);
  });
  const { promise, resolve: done, reject } = Promise.withResolvers<number | null>();
  child.once('error', reject);
  child.once('close', done);
  return { code: await promise, stdout, stderr: '' };
}

/** The lines of `--json`, each checked against the schema. */
export function eventLines(stdout: string): readonly ReturnType<typeof eventLine.parse>[] {
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => eventLine.parse(JSON.parse(line)));
}
