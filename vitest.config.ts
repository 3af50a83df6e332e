import { defineConfig } from 'vitest/config';

const common = {
  pool: 'forks',
  testTimeout: 30_000,
  hookTimeout: 60_000,
  teardownTimeout: 30_000,
} as const;

export default defineConfig({
  test: {
    // Two files at a time: the tests drive real services, and CI machines have few cores.
    maxWorkers: 2,
    projects: [
      { test: { ...common, name: 'unit', include: ['test/unit/**/*.test.ts'] } },
      {
        test: {
          ...common,
          name: 'services',
          include: ['test/integration/**/*.test.ts', 'test/e2e/*.test.ts'],
          globalSetup: ['test/support/services.ts'],
        },
      },
      {
        // These take the whole machine for minutes: after the others, which are not to fail by that.
        test: {
          ...common,
          name: 'live',
          include: ['test/e2e/live/*.test.ts'],
          globalSetup: ['test/support/services.ts'],
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
