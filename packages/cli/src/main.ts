import { CommanderError } from 'commander';
import { dropOutputWithoutReader } from './closed-output.ts';
import { createProgram } from './program.ts';

/**
 * Runs `bootstrap` with the words after its name, and gives the exit code of docs/cli.md.
 * Nothing but the option parser is loaded before a command is known.
 */
export async function main(words: readonly string[]): Promise<number> {
  dropOutputWithoutReader();
  let exitCode = 0;
  const program = createProgram((code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(words, { from: 'user' });
    return exitCode;
  } catch (error) {
    // Commander has told what is wrong, or has shown the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode;
    const { reportError } = await import('./report-error.ts');
    return reportError(error, {
      json: words.includes('--json'),
      color: !words.includes('--no-color'),
    });
  }
}
