import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bootstrap, onTerminal } from './command.ts';

let folder: string;
let words: string[];
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'skerry-consent-'));
  const inventory = join(folder, 'site.yaml');
  writeFileSync(
    inventory,
    `cluster: { name: oslo, connection: { transport: local, sudo: false } }
groups: { g: { hosts: { here: } } }
`,
  );
  const runbook = join(folder, 'farewell.ts');
  writeFileSync(
    runbook,
    `import { play, runbook } from '@skerry/runbook';
import { command } from '@skerry/steps';
export default runbook({
  name: 'farewell', description: '', consent: 'cluster-name',
  plays: [play('Farewell', { hosts: 'all', become: false }, () => [
    command('leave', { run: ': >"$1"', args: ['${folder}/done'], creates: '${folder}/done' }),
  ])],
});
`,
  );
  words = ['run', runbook, inventory, '--no-color'];
});
afterAll(() => rmSync(folder, { recursive: true }));

const isDone = (): boolean => {
  const done = existsSync(join(folder, 'done'));
  rmSync(join(folder, 'done'), { force: true });
  return done;
};

it('what cannot be taken back wants the name of the cluster, before anything is connected to', async () => {
  const unnamed = await bootstrap([...words, '--yes']);
  expect(unnamed.code).toBe(1);
  expect(unnamed.stderr).toContain('wants the name of the cluster, and --yes does not give it');
  expect(unnamed.stderr).toContain('--cluster oslo');
  const other = await bootstrap([...words, '--yes', '--cluster', 'bergen']);
  expect(other.code).toBe(1);
  expect(other.stderr).toContain('that of the cluster "oslo", and not of "bergen"');
  expect(isDone()).toBe(false);
});

it('is done with the name given, or typed; a yes is not enough', async () => {
  const named = await bootstrap([...words, '--cluster', 'oslo']);
  expect(named.code, named.stderr + named.stdout).toBe(0);
  expect(isDone()).toBe(true);
  const question = /Type the name of the cluster, oslo: /;
  const yes = await onTerminal(words, [{ on: question, keys: 'yes\r' }]);
  expect(yes.code).toBe(1);
  expect(yes.stdout).toContain('Cancelled: nothing was changed.');
  expect(isDone()).toBe(false);
  const typed = await onTerminal(words, [{ on: question, keys: 'oslo\r' }]);
  expect(typed.code, typed.stdout).toBe(0);
  expect(isDone()).toBe(true);
});
