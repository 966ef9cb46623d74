import type { TestResult } from './vitest.ts';

/**
 * Whether the test of this name kills a mutant: null if it does, otherwise why not. `clean` are the results
 * of the same run without the mutant. A test that is red there, because it leans on a test before it in the
 * file or on the machine, would "kill" everything. `name` is a part of the names of one or more tests, of
 * which one must fail.
 */
export function whyNotKilled(
  name: string,
  clean: readonly TestResult[],
  mutated: readonly TestResult[],
): string | null {
  const ranIn = (results: readonly TestResult[]) =>
    results.filter((test) => test.name.includes(name) && test.state !== 'skipped');
  const [before, after] = [ranIn(clean), ranIn(mutated)];
  if (before.length === 0) return `there is no test "${name}" that runs.`;
  const red = before.find(({ state }) => state === 'failed');
  if (red !== undefined) return `"${red.name}" fails without the mutant too, when it runs alone.`;
  if (after.length === 0) return `"${name}" did not run. A file that does not load does not kill a mutant.`;
  return after.every(({ state }) => state === 'passed') ? `"${name}" still passes.` : null;
}
