import { basename, join } from 'node:path';
import { defineConfig } from 'vitest/config';

const reports = process.env['SKERRY_REPORTS'];

/** Shared by all packages; with SKERRY_REPORTS set, a JSON report of each run is left there. */
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Files of one worker share its modules: loading them for each file anew took a third of all time.
    isolate: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters:
      reports === undefined
        ? ['default']
        : ['default', ['json', { outputFile: join(reports, `${basename(process.cwd())}.json`) }]],
  },
});
