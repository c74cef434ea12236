import { globSync, readFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');

/** Which rooms each room may import: one way, so that a newcomer can read from the bottom up. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  diagnostics: [],
  inventory: ['diagnostics'],
  templating: ['diagnostics'],
  executor: ['diagnostics'],
  steps: ['diagnostics', 'templating'],
  kubernetes: ['diagnostics', 'steps', 'inventory'],
  runbook: ['diagnostics', 'inventory', 'executor', 'steps', 'templating'],
  lab: ['diagnostics', 'executor'],
  bundle: ['diagnostics', 'inventory', 'kubernetes', 'steps'],
  cli: [
    'diagnostics',
    'inventory',
    'templating',
    'executor',
    'steps',
    'kubernetes',
    'runbook',
    'lab',
    'bundle',
  ],
};

const sources = (room: string): string[] => globSync(`packages/${room}/src/**/*.ts`, { cwd: root });
const rooms = globSync('packages/*', { cwd: root }).map((path) => path.replace('packages/', ''));

test('every room has its row in the table', () => {
  expect(rooms.toSorted()).toEqual(Object.keys(mayImport).toSorted());
});

test.each(Object.keys(mayImport))('%s imports only what lies below it', (room) => {
  const files = sources(room);
  expect(files.length).toBeGreaterThan(0);
  const wrong: string[] = [];
  for (const file of files) {
    const text = readFileSync(resolve(root, file), 'utf8');
    for (const [, target = ''] of text.matchAll(/(?:from|import\()\s*'([^']+)'/g)) {
      const other = /^@skerry\/([^/]+)/.exec(target)?.[1];
      if (other !== undefined && mayImport[room]?.includes(other) !== true) {
        wrong.push(`${file}: ${target}`);
      }
      if (target.startsWith('.')) {
        const at = relative(root, resolve(root, file, '..', target));
        if (!at.startsWith(`packages/${room}/`)) wrong.push(`${file}: ${target}`);
      }
    }
  }
  expect(wrong).toEqual([]);
});

test('no file is over 400 lines, and none has a name that says nothing', () => {
  const files = rooms.flatMap((room) =>
    globSync(`packages/${room}/{src,test}/**/*.ts`, { cwd: root }),
  );
  const long = files.filter(
    (file) => readFileSync(resolve(root, file), 'utf8').split('\n').length > 401,
  );
  expect(long).toEqual([]);
  expect(files.filter((file) => /\/(utils?|helpers?|misc|common)(\.ts|\/)/.test(file))).toEqual([]);
});
