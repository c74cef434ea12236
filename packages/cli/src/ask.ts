import { createInterface } from 'node:readline/promises';
import { DiagnosticError } from '@skerry/diagnostics';

/** Whether there is somebody to answer: a terminal to read from and one to ask on. */
export function canAsk(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY && (process.env['CI'] ?? '') === '';
}

/** Asks on standard error; anything but y or yes is a no, so is Ctrl-C and the end of input. */
export async function confirm(question: string, signal?: AbortSignal): Promise<boolean> {
  return /^y(es)?$/i.test(await ask(`${question} [y/N] `, signal));
}

/** For what cannot be taken back: only the name itself is a yes. */
export async function confirmName(
  question: string,
  name: string,
  signal?: AbortSignal,
): Promise<boolean> {
  return (await ask(`${question} Type the name of the cluster, ${name}: `, signal)) === name;
}

/** The answer without spaces around it; '' for Ctrl-C and the end of input. */
async function ask(text: string, signal: AbortSignal | undefined): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const closed = new Promise<string>((done) => {
      terminal.once('close', () => done(''));
    });
    // In a terminal that readline reads from, Ctrl-C comes here and not as a signal.
    terminal.once('SIGINT', () => terminal.close());
    const asked =
      signal === undefined ? terminal.question(text) : terminal.question(text, { signal });
    const answer = await Promise.race([asked.catch(() => ''), closed]);
    return answer.trim();
  } finally {
    terminal.close();
  }
}

/** Asks for a password without showing it. */
export async function askPassword(question: string): Promise<string> {
  if (!canAsk())
    throw nobodyToAsk('the sudo password', 'give it by reference: sudo: {password: env:NAME}');
  const { isCancel, password } = await import('@clack/prompts');
  const answer = await password({ message: question, output: process.stderr });
  if (isCancel(answer) || answer === undefined) {
    throw new DiagnosticError({
      code: 'cancelled',
      severity: 'error',
      what: 'cancelled: no password was given',
    });
  }
  return answer;
}

/** A question that nobody can answer is refused at once; it never waits. */
export function nobodyToAsk(what: string, fix: string): DiagnosticError {
  return new DiagnosticError({
    code: 'no-terminal',
    severity: 'error',
    what: `cannot ask for ${what}: this is not a terminal`,
    why: 'standard input or standard error is not a terminal, or CI is set',
    fix,
  });
}
