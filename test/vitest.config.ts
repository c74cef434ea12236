import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

const reports = process.env['SKERRY_REPORTS'];

/** One file after the other, one test after the other: they share two machines. */
export default defineConfig({
  test: {
    include: ['vms/**/*.test.ts'],
    globalSetup: ['vms/machines-up.ts'],
    fileParallelism: false,
    sequence: { concurrent: false, shuffle: false },
    bail: 0,
    testTimeout: 900_000,
    hookTimeout: 1_800_000,
    reporters:
      reports === undefined
        ? ['verbose']
        : ['verbose', ['json', { outputFile: join(reports, 'vms.json') }]],
  },
});
