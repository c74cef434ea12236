import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bootstrap, entry, execute } from './command.ts';

const oslo = 'inventory/oslo.yaml';
const command = `'${process.execPath}' '${entry}'`;

/** Has a shell complete `bootstrap plan … --limit rack`, and prints what it offers. */
const shells: Readonly<
  Record<string, { readonly words: string[]; readonly script: (file: string) => string }>
> = {
  bash: {
    words: ['--norc', '-c'],
    script: (file) => `source '${file}'
bootstrap() { ${command} "$@"; }
COMP_WORDS=(bootstrap plan ${oslo} --limit rack) COMP_CWORD=4
_bootstrap
printf '%s\\n' "\${COMPREPLY[@]}"`,
  },
  zsh: {
    words: ['-fc'],
    // compdef and compadd are what the line editor gives to completion functions.
    script: (file) => `compdef() { :; }
compadd() { shift; print -rl -- "$@"; }
source '${file}'
bootstrap() { ${command} "$@"; }
words=(bootstrap plan ${oslo} --limit rack) CURRENT=5
_bootstrap`,
  },
  fish: {
    words: ['--no-config', '-c'],
    script: (file) => `source '${file}'
function bootstrap; ${command} $argv; end
complete -C'bootstrap plan ${oslo} --limit rack'`,
  },
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'skerry-completion-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it.each(Object.keys(shells))('%s', async (shell) => {
  const { stdout: script, code } = await bootstrap(['completion', shell]);
  expect(code).toBe(0);
  await expect(script).toMatchFileSnapshot(`golden/completion.${shell}`);
  // bash is everywhere; where another shell is not installed, its script is held by the file above.
  if (shell !== 'bash' && spawnSync(shell, ['-c', 'true']).error !== undefined) return;
  const file = join(folder, shell);
  writeFileSync(file, script);
  const { words, script: ask } = shells[shell] ?? { words: [], script: () => '' };
  const { stdout, stderr } = await execute(shell, [...words, ask(file)]);
  expect({ stdout, stderr }).toEqual({ stdout: 'rack-a\nrack-b\n', stderr: '' });
});
