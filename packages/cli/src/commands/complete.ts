import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Command, Option } from 'commander';
import { loadInventory, type Inventory } from '@skerry/inventory';
import { installation, ownRunbookEnding } from '../installation.ts';

const files = ':files';

/**
 * Candidates for the last of `words` (the words after `bootstrap`, the one under the cursor
 * included), one a line; `:files` asks the shell for file names. Whatever goes wrong, there are
 * just no candidates: a completion must not write into the line that is being typed.
 */
export async function complete(program: Command, words: readonly string[]): Promise<number> {
  try {
    const candidates = await candidatesFor(program, words);
    const word = words.at(-1) ?? '';
    const fitting = candidates.filter((text) => text === files || text.startsWith(word));
    if (fitting.length > 0) process.stdout.write(`${fitting.join('\n')}\n`);
  } catch {
    // No candidates.
  }
  return 0;
}

async function candidatesFor(program: Command, words: readonly string[]): Promise<string[]> {
  const before = words.slice(0, -1);
  const word = words.at(-1) ?? '';
  const { command, rest } = commandOf(program, before);
  if (command.commands.length > 0) {
    if (word.startsWith('-')) return optionNames(command);
    return command.commands.map((sub) => sub.name()).filter((name) => !name.startsWith('_'));
  }
  const option = optionOf(command, before.at(-1));
  if (option !== undefined && (option.required || option.optional)) {
    return valuesOf(option, word, await inventoryIn(before));
  }
  if (word.startsWith('-')) return optionNames(command);
  return argumentValues(command, positionals(command, rest).length);
}

function commandOf(
  program: Command,
  words: readonly string[],
): { readonly command: Command; readonly rest: readonly string[] } {
  const [first, ...rest] = words;
  const sub = program.commands.find((candidate) => candidate.name() === first);
  return sub === undefined ? { command: program, rest: words } : commandOf(sub, rest);
}

function optionOf(command: Command, word: string | undefined): Option | undefined {
  return command.options.find(({ short, long }) => word === short || word === long);
}

function optionNames(command: Command): string[] {
  return command.options.flatMap(({ long }) => long ?? []);
}

/** The arguments among the words of a command: without options and their values. */
function positionals(command: Command, words: readonly string[]): readonly string[] {
  return words.filter((word, index) => {
    if (word.startsWith('-')) return false;
    const option = optionOf(command, words[index - 1]);
    return option === undefined || !(option.required || option.optional);
  });
}

function argumentValues(command: Command, index: number): string[] {
  const name = command.registeredArguments[index]?.name();
  if (name === 'shell') return ['bash', 'zsh', 'fish'];
  if (name === 'runbook') return runbookNames();
  return name === undefined ? [] : [files];
}

function runbookNames(): string[] {
  const names = readdirSync(join(installation, 'runbooks'))
    .filter((file) => file.endsWith(ownRunbookEnding) && !file.startsWith('.'))
    .map((file) => file.slice(0, -ownRunbookEnding.length));
  return names.length > 0 ? names : [files];
}

/** The inventory on the line: the first word that is a YAML file and reads as one. */
async function inventoryIn(words: readonly string[]): Promise<Inventory | undefined> {
  const path = words.find((word) => /\.ya?ml$/.test(word) && existsSync(word));
  return path === undefined ? undefined : loadInventory(path);
}

function valuesOf(option: Option, word: string, inventory: Inventory | undefined): string[] {
  if (option.argChoices !== undefined) return option.argChoices;
  if (option.long === '--out' || option.long === '--inventory') return [files];
  if (inventory === undefined) return [];
  const hosts = inventory.hosts.map(({ name }) => name);
  if (option.long === '--host') return hosts;
  if (option.long !== '--limit') return [];
  // In a pattern such as workers:!node-03 only its last part is being typed.
  const typed = /^(.*[:,][!&]?)?[^:,]*$/.exec(word)?.[1] ?? '';
  const roles = [...new Set(inventory.hosts.flatMap((host) => host.roles))];
  return [...inventory.groups.keys(), ...hosts, ...roles.map((role) => `role=${role}`)].map(
    (name) => typed + name,
  );
}
