import { writeFileSync } from 'node:fs';
import type { Reporter } from 'vitest/node';

/**
 * The environment variable that names the reporter's output file: a JSON array of test file paths, with null
 * for an error outside of every file.
 */
export const UNHANDLED_FILE = 'VITEST_UNHANDLED_FILE';

/**
 * A vitest reporter that says in which files errors were caught by no test, such as a rejected promise that
 * nobody awaited. They set vitest's exit code to 1, but its JSON report omits them, so a flaky file in the
 * same run would hide them.
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
