import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import type { Component, Tool } from './component.ts';

const folders = [
  ...(process.env['PATH'] ?? '').split(delimiter).filter(Boolean),
  '/usr/local/go/bin',
  '/usr/sbin',
  '/sbin',
];

function isThere(program: string): boolean {
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** The programs that these components need and that are not there. */
function missing(components: readonly Component[]): readonly Tool[] {
  const tools = components.flatMap((component) => component.tools);
  return tools.filter(
    ({ program }, index) =>
      tools.findIndex((other) => other.program === program) === index && !isThere(program),
  );
}

/**
 * Sees to it that the programs which building needs are there: with `yes`, or after a question on
 * the terminal, the packages are installed.
 */
export async function requireTools(components: readonly Component[], yes: boolean): Promise<void> {
  const lacking = missing(components);
  if (lacking.length === 0) {
    requireGo(components);
    return;
  }
  const sudo = process.getuid?.() === 0 ? [] : ['sudo'];
  const packages = lacking.map((tool) => tool.package);
  const commands = [
    [...sudo, 'apt-get', 'update', '--quiet'],
    [...sudo, 'apt-get', 'install', '--yes', '--quiet', '--no-install-recommends', ...packages],
  ];
  const line = commands.map((argv) => argv.join(' ')).join(' && ');
  const what = `Building the components needs ${lacking.map(({ program }) => program).join(', ')}.`;
  if (!yes && !(await agreed(`${what} Run this?\n  ${line}\n[y/N] `))) {
    throw new Error(`${what}\nRun: ${line}\nor give --yes`);
  }
  for (const [program = '', ...words] of commands) {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const { status } = spawnSync(program, words, { stdio: ['ignore', 2, 2], env });
    if (status !== 0) throw new Error(`${[program, ...words].join(' ')} ended with ${status}`);
  }
  requireGo(components);
}

/** From 1.21 on, Go fetches the version that a module wants. */
const oldestGo = 21;

function requireGo(components: readonly Component[]): void {
  if (!components.some(({ tools }) => tools.some(({ program }) => program === 'go'))) return;
  const { stdout } = spawnSync('go', ['version'], { encoding: 'utf8' });
  const minor = Number(/go version go1\.(\d+)/.exec(stdout)?.[1] ?? 0);
  if (minor >= oldestGo) return;
  throw new Error(
    `Building the components needs Go 1.${oldestGo} or newer; here is ${stdout.trim() || 'none that runs'}\n` +
      'Install one from https://go.dev/dl and put its bin folder first in PATH',
  );
}

async function agreed(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) return false;
  using terminal = createInterface({ input: process.stdin, output: process.stderr });
  return /^y(es)?$/i.test((await terminal.question(question)).trim());
}
