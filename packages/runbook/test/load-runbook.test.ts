import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DiagnosticError } from '@skerry/diagnostics';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadRunbook } from '../src/index.ts';

// Where no node_modules is anywhere above.
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'skerry-runbooks-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

async function faultsOf(path: string): Promise<DiagnosticError['diagnostics']> {
  const error: unknown = await loadRunbook(path).catch((thrown: unknown) => thrown);
  if (error instanceof DiagnosticError) return error.diagnostics;
  throw new Error('no error', { cause: error });
}

test('a runbook in a folder of its own imports @skerry/* and files beside it, types and all', async () => {
  write('names.ts', `export const title: string = 'Mine';\n`);
  const path = write(
    'mine.ts',
    `import { play, runbook, type Runbook } from '@skerry/runbook';
import { file } from '@skerry/steps';
import { title } from './names.ts';
const mine: Runbook = runbook({ name: 'mine', description: '', plays: [
  play(title, { hosts: 'all', serial: '25%' }, ({ host }) => [file('/x', { content: host.name })]),
] });
export default mine;
`,
  );
  const { name, plays } = await loadRunbook(path);
  expect(name).toBe('mine');
  expect(plays).toMatchObject([{ name: 'Mine', options: { hosts: 'all', serial: '25%' } }]);
});

test('everything that is wrong with its shape is told at once, and what was meant', async () => {
  const path = write(
    'bad.ts',
    `import { play, runbook } from '@skerry/runbook';
export default runbook({ name: 'bad', description: '', plays: [
  play('One', { host: 'all' } as never, () => []),
  play('One', { hosts: 'all', serail: 2 } as never, () => []),
  { name: 'Two', options: { hosts: 'all' } } as never,
  play('Three', { hosts: 'all', serial: '0%' }, () => []),
  play('Four', { hosts: 'all', maxFailPercentage: 120 }, () => []),
  null as never,
] });
`,
  );
  const faults = await faultsOf(path);
  expect(faults.every(({ code }) => code === 'bad-runbook')).toBe(true);
  expect(faults.map(({ what, fix }) => `${what}: ${fix}`)).toEqual([
    expect.stringContaining('play "One" has no hosts or no steps'),
    expect.stringMatching(/"One" has an unknown option "host": .*"hosts"/),
    expect.stringContaining('two plays are called "One"'),
    expect.stringMatching(/unknown option "serail": .*"serial"/),
    expect.stringContaining('play "Two" has no hosts or no steps'),
    expect.stringMatching(/play "Three": serial: "0%"/),
    expect.stringMatching(/play "Four": maxFailPercentage: 120/),
    expect.stringMatching(/entry 6 of plays is no play/),
  ]);
});

test.each([
  ['nothing.ts', 'export const other = 1;\n', 'bad-runbook', /does not export a runbook/],
  ['number.ts', 'export default 7;\n', 'bad-runbook', /does not export a runbook/],
  ['throws.ts', "\nthrow new Error('not today');\n", 'runbook-error', /not today/],
  ['import.ts', "import '@skerry/nothing';\n", 'runbook-error', /@skerry\/nothing/],
  ['syntax.ts', 'export default {\n', 'runbook-error', /cannot be loaded/],
])('%s: what it says', async (name, text, code, what) => {
  expect(await faultsOf(write(name, text))).toMatchObject([
    { code, what: expect.stringMatching(what) as string, fix: expect.any(String) as string },
  ]);
});

test('the place of what it throws is named', async () => {
  const path = write('place.ts', "\n\n  throw new Error('here');\n");
  expect(await faultsOf(path)).toMatchObject([{ at: { file: path, line: 3, column: 9 } }]);
});

test('one that is not there', async () => {
  expect(await faultsOf(join(folder, 'none.ts'))).toMatchObject([{ code: 'runbook-missing' }]);
});

test('a play runs alongside the one right before it, and no other', async () => {
  const withPlays = (name: string, ...plays: string[]): string =>
    write(
      name,
      `import { play, runbook } from '@skerry/runbook';
export default runbook({ name: 'side', description: '', plays: [
${plays.join(',\n')}
] });
`,
    );
  const good = withPlays(
    'side.ts',
    "play('One', { hosts: 'all' }, () => [])",
    "play('Two', { hosts: 'all', alongside: 'One' }, () => [])",
    "play('Three', { hosts: 'all', alongside: 'One' }, () => [])",
  );
  expect((await loadRunbook(good)).plays).toHaveLength(3);
  const bad = withPlays(
    'stray.ts',
    "play('One', { hosts: 'all', alongside: 'Two' }, () => [])",
    "play('Two', { hosts: 'all', alongside: 'Ome' }, () => [])",
    "play('Three', { hosts: 'all', alongside: 'One' }, () => [])",
  );
  expect((await faultsOf(bad)).map(({ what, fix }) => [what, fix])).toEqual([
    [
      'play "One" is to run alongside "Two", which does not stand right before it',
      'the first play can run alongside none',
    ],
    [
      'play "Two" is to run alongside "Ome", which does not stand right before it',
      'did you mean "One"?',
    ],
    [
      'play "Three" is to run alongside "One", which does not stand right before it',
      "put it right behind that play, or write: alongside: 'Two'",
    ],
  ]);
});
