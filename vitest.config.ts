import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { defineConfig } from 'vitest/config';

const reports = process.env['SKERRY_REPORTS'];
const ofAllRooms = process.cwd() === import.meta.dirname;

/**
 * Of one room, in its folder, and of all rooms at once, here: one start, and workers that keep what they
 * have loaded from room to room. With SKERRY_REPORTS set, a JSON report of each run is left there.
 */
export default defineConfig({
  test: {
    include: [ofAllRooms ? 'packages/*/test/**/*.test.ts' : 'test/**/*.test.ts'],
    // Files of one worker share its modules: loading them for each file anew took a third of all time.
    isolate: false,
    // Many tests wait for processes that they started.
    maxWorkers: availableParallelism() + 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters:
      reports === undefined
        ? ['default']
        : ['default', ['json', { outputFile: join(reports, `${reportName()}.json`) }]],
  },
});

function reportName(): string {
  return ofAllRooms ? 'rooms' : basename(process.cwd());
}
