import type { Mutant } from './mutant.ts';
import { runVitest, type TestResult } from './vitest.ts';

/** Environment variables that are added to those of a run. */
type Env = Readonly<Record<string, string>>;

/**
 * Runs the tests that all `mutants` name in the tree at `root`, which contains none of them: once per file.
 * Returns, by the name of the mutant, why its tests can prove nothing: one is red without the mutant, or did
 * not run. Such a test would "kill" every mutant. Mutants whose tests all pass are not in the result.
 */
export async function unprovable(
  root: string,
  mutants: readonly Mutant[],
  env: Env,
): Promise<Map<string, string>> {
  const problems = new Map<string, string>();
  const files = new Set(mutants.flatMap(({ killedBy }) => killedBy.map(({ file }) => file)));
  for (const file of files) {
    const names = [...new Set(mutants.flatMap((mutant) => namesIn(mutant, file)))];
    const tests = await runNamed(root, file, names, env);
    for (const mutant of mutants) {
      for (const name of namesIn(mutant, file)) {
        const ran = ranAs(tests, name);
        if (ran.length === 0) problems.set(mutant.name, didNotRun(file, name));
        else if (ran.some(({ state }) => state === 'failed'))
          problems.set(mutant.name, `${file} "${name}" is red without the mutant.`);
      }
    }
  }
  return problems;
}

/**
 * Runs the tests that `mutant` names in the tree at `root`, which contains it. Returns, in words, the first
 * that passes or did not run. Null if all fail. Does not ask whether they pass without the mutant:
 * `unprovable` does.
 */
export async function survives(root: string, mutant: Mutant, env: Env): Promise<string | null> {
  for (const file of new Set(mutant.killedBy.map((test) => test.file))) {
    const names = namesIn(mutant, file);
    const tests = await runNamed(root, file, names, env);
    for (const name of names) {
      const ran = ranAs(tests, name);
      if (ran.length === 0) return didNotRun(file, name);
      if (ran.every(({ state }) => state === 'passed')) return `${file} "${name}" still passes.`;
    }
  }
  return null;
}

const namesIn = (mutant: Mutant, file: string): string[] =>
  mutant.killedBy.filter((test) => test.file === file).map(({ name }) => name);

const ranAs = (tests: readonly TestResult[], name: string): TestResult[] =>
  tests.filter((test) => test.name.includes(name) && test.state !== 'skipped');

const didNotRun = (file: string, name: string): string =>
  `${file} has no test "${name}" that ran. A file that does not load does not kill a mutant.`;

async function runNamed(
  root: string,
  file: string,
  names: readonly string[],
  env: Env,
): Promise<readonly TestResult[]> {
  // Between a group and a title, vitest expects ` > ` for `-t` and writes a space in its report.
  const pattern = names.map((name) => RegExp.escape(name).replaceAll('\\x20', '(?: | > )')).join('|');
  const { tests } = await runVitest(root, [file, '-t', pattern], 'ignore', env);
  return tests;
}
