import { writeFileSync } from 'node:fs';
import type { Reporter } from 'vitest/node';

/** Where the reporter writes: an array of the paths of test files, null for an error that belongs to none. */
export const UNHANDLED_FILE = 'VITEST_UNHANDLED_FILE';

/**
 * A vitest reporter that says which files had errors that no test caught (a rejected promise that nobody awaited): they make vitest's exit
 * code 1, but its JSON report leaves them out, so a flaky file beside them would hide them.
 */
export default class UnhandledErrors implements Reporter {
  onTestRunEnd(_modules: unknown, errors: readonly object[]): void {
    const path = process.env[UNHANDLED_FILE];
    if (path === undefined) return;
    const files = errors.map((error) =>
      'VITEST_TEST_PATH' in error && typeof error.VITEST_TEST_PATH === 'string'
        ? error.VITEST_TEST_PATH
        : null,
    );
    writeFileSync(path, JSON.stringify(files));
  }
}
