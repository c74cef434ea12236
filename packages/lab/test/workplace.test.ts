import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeWorkplace, removeTree } from '../src/box/workplace.ts';

let cache: string;
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'workplace-'));
});
afterEach(() => rmSync(cache, { recursive: true, force: true }));

/** The id of a process that has ended. */
function endedProcess(): number {
  return spawnSync('true').pid;
}

it('is for one process alone; what ended processes left goes, what living ones have stays', async () => {
  const living = `box.${process.ppid}.part`;
  for (const name of [living, `box.${endedProcess()}.part`, 'box.part', 'other.part', 'box']) {
    mkdirSync(join(cache, name));
    writeFileSync(join(cache, name, 'file'), '');
  }
  const work = await makeWorkplace(join(cache, 'box'));
  expect(readdirSync(work)).toEqual([]);
  expect(readdirSync(cache).toSorted()).toEqual(
    ['box', living, `box.${process.pid}.part`, 'other.part'].toSorted(),
  );
});

it.skipIf(process.getuid?.() !== 0)(
  'lets go what is mounted below it, and leaves what lies there alone',
  async () => {
    const precious = join(cache, 'precious');
    const work = await makeWorkplace(join(cache, 'box'));
    const mounted = join(work, 'root', 'mnt with space');
    mkdirSync(precious);
    writeFileSync(join(precious, 'file'), '');
    mkdirSync(mounted, { recursive: true });
    expect(spawnSync('mount', ['--bind', precious, mounted]).status).toBe(0);
    await removeTree(work);
    expect(readdirSync(cache)).toEqual(['precious']);
    expect(readdirSync(precious)).toEqual(['file']);
  },
);
