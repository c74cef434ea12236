import { spawn } from 'node:child_process';
import { resolveArg, type Fragment, type ProbeOutput } from '../../src/index.ts';

/** The shells that a remote host may have as sh. */
export type ShellName = 'dash' | 'busybox' | 'bash';
export const shells: readonly ShellName[] = ['dash', 'busybox'];

const command: Record<ShellName, readonly [string, ...string[]]> = {
  dash: ['dash'],
  busybox: ['busybox', 'sh'],
  bash: ['bash', '--posix'],
};

export interface RunFragmentOptions {
  /** A command that runs the rest of its arguments, such as one that enters a mount namespace. */
  readonly inside?: readonly string[];
  /** Puts secrets in place of tokens; default: nothing is secret. */
  readonly reveal?: (text: string) => string;
  readonly env?: Readonly<Record<string, string>>;
}

/** `'…'` with each quote inside written as `'\''`. */
function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** The script for one fragment: a function body, run in a subshell, that reads from /dev/null. */
function compose(fragment: Fragment, reveal = (text: string): string => text): string {
  const args = fragment.args.map((arg) => quote(resolveArg(arg, reveal)));
  return `part() {\n${fragment.code}\n}\n(part ${args.join(' ')}) </dev/null\n`;
}

/** Runs a fragment for real, the way a session on a host does it. */
export function runFragment(
  shell: ShellName,
  fragment: Fragment,
  options: RunFragmentOptions = {},
): Promise<ProbeOutput> {
  const [program, ...args] = [...(options.inside ?? []), ...command[shell], '-s'];
  const child = spawn(program ?? '', args, { env: { ...process.env, ...options.env } });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  child.stdin.on('error', () => {
    // The shell ended before it had read all; its status tells.
  });
  child.stdin.end(compose(fragment, options.reveal));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      const bytes = Buffer.concat(stdout);
      const text = bytes.toString('utf8');
      resolve({
        code: code ?? 255,
        stdout: text,
        stderr: Buffer.concat(stderr).toString('utf8'),
        utf8: Buffer.from(text, 'utf8').equals(bytes),
      });
    });
  });
}

/** Lets a shell read the code without running it; '' where the syntax is right. */
export async function syntaxErrors(shell: ShellName, code: string): Promise<string> {
  const [program, ...args] = [...command[shell], '-n'];
  const child = spawn(program ?? '', args, { stdio: ['pipe', 'ignore', 'pipe'] });
  const stderr: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  child.stdin.end(`part() {\n${code}\n}\n`);
  const status = await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  return status === 0 ? '' : `${shell}: ${Buffer.concat(stderr).toString('utf8')}`;
}
