import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/database.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 180_000,
    hookTimeout: 300_000,
    // main.ts does the same: the race is in the driver, and the query has been rejected.
    onUnhandledError: (error) =>
      !/reading 'write'/.test(error.message) || !/postgres\/src\/connection\.js/.test(error.stack ?? ''),
  },
});
