import { defineConfig } from 'vitest/config';

/** One file after the other, one test after the other: they share two processors. */
const slowly = {
  fileParallelism: false,
  sequence: { concurrent: false, shuffle: false },
  bail: 0,
  testTimeout: 1_800_000,
  hookTimeout: 1_800_000,
} as const;

/**
 * `nodes` share one lab; each file of `clusters` makes a lab of its own,
 * each of `containers` its own containers; `control-plane` needs no
 * machine, but programs that test/components builds, or keepalived and haproxy. test/run.ts runs them.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...slowly,
          name: 'nodes',
          include: ['vms/**/*.test.ts'],
          globalSetup: ['vms/lab-up.ts'],
        },
      },
      { test: { ...slowly, name: 'control-plane', include: ['control-plane/**/*.test.ts'] } },
      { test: { ...slowly, name: 'clusters', include: ['clusters/**/*.test.ts'] } },
      { test: { ...slowly, name: 'containers', include: ['containers/**/*.test.ts'] } },
    ],
  },
});
