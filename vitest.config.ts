import './src/main/quick-imports.ts';
import { configDefaults, defineConfig } from 'vitest/config';

/** Files that replace modules or count what others call: each has a process of its own. */
const ALONE = ['test/**/*.alone.test.ts'];

export default defineConfig({
  test: {
    globalSetup: ['test/support/database.ts'],
    pool: 'forks',
    execArgv: ['--import', new URL('src/main/quick-imports.ts', import.meta.url).href],
    maxWorkers: 2,
    testTimeout: 180_000,
    hookTimeout: 300_000,
    projects: [
      // One process after the other runs many files: what they import is loaded, and compiled, once. A third
      // faster.
      {
        extends: true,
        test: {
          name: 'shared',
          include: ['test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...ALONE],
          isolate: false,
        },
      },
      { extends: true, test: { name: 'alone', include: ALONE } },
    ],
    // main.ts does the same: the race is in the driver, and the query has been rejected.
    onUnhandledError: (error) =>
      !/reading 'write'/.test(error.message) || !/postgres\/src\/connection\.js/.test(error.stack ?? ''),
  },
});
