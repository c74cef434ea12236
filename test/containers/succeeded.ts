import { spawn } from 'node:child_process';

/**
 * Runs a program of this computer to its end and gives what it printed.
 *
 * @throws Error with its words and the end of what it said, unless it ends with 0.
 */
export function succeeded(argv: readonly string[]): Promise<string> {
  const [program = '', ...args] = argv;
  return new Promise((done, fail) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const said = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said.stderr += text));
    child.once('error', fail);
    child.once('close', (code) => {
      if (code === 0) done(said.stdout);
      else fail(new Error(`${argv.join(' ')} ended with ${code}\n${said.stderr.slice(-2000)}`));
    });
  });
}
