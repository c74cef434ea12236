import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadRunbook } from '@skerry/runbook';
import { afterAll, expect, test } from 'vitest';
import { root } from './command.ts';

const folder = mkdtempSync(join(tmpdir(), 'skerry-ship-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('a built package holds every runbook, as JavaScript that loads, and every template', async () => {
  execFileSync(process.execPath, [join(root, 'packages/cli/ship.ts'), folder]);
  const names = readdirSync(join(root, 'runbooks')).filter((name) => name.endsWith('.ts'));
  expect(names).toContain('cluster.ts');
  for (const name of names) {
    const source = await loadRunbook(join(root, 'runbooks', name));
    const built = await loadRunbook(join(folder, 'runbooks', name.replace('.ts', '.js')));
    expect(built.plays.map((play) => play.name)).toEqual(source.plays.map((play) => play.name));
  }
  const templates = (at: string): string[] =>
    readdirSync(join(at, 'templates'), { recursive: true, encoding: 'utf8' }).toSorted();
  expect(templates(folder)).toEqual(templates(root));
  expect(readdirSync(join(folder, 'runbooks'))).toContain('kubernetes-packages.asc');
});
