import { join } from 'node:path';
import { runVitest, type VitestRun } from './testing/vitest.ts';

/**
 * Runs the tests for CI (`npm run test:ci`). Takes the result from vitest's JSON report and compares it with
 * the exit code. A file that failed is run once more, alone, since a shared machine may be slow: what passes
 * then is reported as flaky, and what fails twice has failed. The last line is `N passed, N failed`. A run
 * without tests has failed, and so has one whose exit code contradicts its report.
 */
const root = join(import.meta.dirname, '..');
const args = process.argv.slice(2);
const first = await runVitest(root, args, 'inherit');
const failedFiles = [
  ...new Set([
    ...first.tests.filter(({ state }) => state === 'failed').map(({ file }) => file),
    ...first.broken,
  ]),
];

let passed = first.tests.filter(
  ({ file, state }) => state === 'passed' && !failedFiles.includes(file),
).length;
let skipped = first.tests.filter(
  ({ file, state }) => state === 'skipped' && !failedFiles.includes(file),
).length;
let failed = 0;
const flaky: string[] = [];
for (const file of failedFiles) {
  console.log(`\n${file} failed. Running it again, alone.`);
  const options = args.filter((arg) => arg.startsWith('-'));
  const again = await runVitest(root, [file, ...options], 'inherit');
  const tally = count(again);
  passed += tally.passed;
  skipped += tally.skipped;
  failed += tally.failed;
  if (tally.failed === 0) flaky.push(file, ...failuresOf(first, file).map((name) => `  ${name}`));
}

// Something outside of all tests failed (a global hook, an unhandled error), or the reports are incomplete.
const contradicted = failedFiles.length === 0 && first.exitCode !== 0;
if (contradicted) console.log(`\nNo test failed, but vitest ended with exit code ${first.exitCode}.`);
if (failedFiles.length > 0 && first.exitCode === 0)
  console.log('\nTests failed, but vitest ended with exit code 0: npm test is not reliable.');
const empty = first.tests.length === 0;
if (empty) console.log('\nNo test was run.');
if (first.strayErrors > 0)
  console.log(`\n${first.strayErrors} errors do not belong to a test file, so they are not run again.`);
if (contradicted || empty || first.strayErrors > 0 || (failedFiles.length > 0 && first.exitCode === 0))
  failed += 1;

if (flaky.length > 0) console.log(`\nFlaky (failed with the others, passed alone):\n${flaky.join('\n')}`);
if (skipped > 0) console.log(`\n${skipped} skipped`);
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

function failuresOf(run: VitestRun, file: string): string[] {
  return run.tests.filter((one) => one.file === file && one.state === 'failed').map(({ name }) => name);
}

/** Counts a run of one file. A run that fails without a failed test counts as one failure. */
function count(run: VitestRun): { passed: number; skipped: number; failed: number } {
  const inState = (state: string) => run.tests.filter((one) => one.state === state).length;
  const failures = inState('failed');
  const failedOtherwise = run.exitCode !== 0 || run.broken.length > 0 || run.tests.length === 0;
  return {
    passed: inState('passed'),
    skipped: inState('skipped'),
    failed: failures > 0 ? failures : failedOtherwise ? 1 : 0,
  };
}
