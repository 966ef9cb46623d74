import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { UNHANDLED_FILE } from './unhandled-errors.ts';

/** A test of a run. `name` consists of its groups and its title, separated by spaces. */
export interface TestResult {
  /** Relative to the root of the run, with forward slashes. */
  readonly file: string;
  readonly name: string;
  readonly state: 'passed' | 'failed' | 'skipped';
}

/** The result of a run. */
export interface VitestRun {
  readonly exitCode: number | null;
  readonly tests: readonly TestResult[];
  /** Files that failed without a failed test: they do not load, a hook threw, or no test caught an error. */
  readonly broken: readonly string[];
  /** How many errors no test caught outside of every file. An error inside a file makes that file broken. */
  readonly strayErrors: number;
}

interface JsonReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

/**
 * Runs vitest in `root` with `args` and reads its JSON report. `output` is where vitest's own text goes;
 * `env` is added to the environment. A run that writes no report (it was killed, or its set-up threw) has no
 * tests, so check the exit code as well. Does not throw if tests fail.
 */
export async function runVitest(
  root: string,
  args: readonly string[],
  output: 'inherit' | 'ignore',
  env: Readonly<Record<string, string>> = {},
): Promise<VitestRun> {
  const folder = await mkdtemp(join(tmpdir(), 'prokura-report-'));
  const file = join(folder, 'report.json');
  try {
    const vitest = join(root, 'node_modules/vitest/vitest.mjs');
    const unhandled = join(folder, 'unhandled.json');
    const reporters = [
      '--reporter=default',
      '--reporter=json',
      `--reporter=${join(import.meta.dirname, 'unhandled-errors.ts')}`,
      `--outputFile.json=${file}`,
    ];
    const child = spawn(process.execPath, [vitest, 'run', ...args, ...reporters], {
      cwd: root,
      stdio: ['ignore', output, output],
      env: { ...process.env, ...env, [UNHANDLED_FILE]: unhandled },
    });
    const exitCode = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    const report = await readFile(file, 'utf8').then(
      (text) => JSON.parse(text) as JsonReport,
      (): JsonReport => ({ testResults: [] }),
    );
    const strays = await readFile(unhandled, 'utf8').then(
      (text) => JSON.parse(text) as (string | null)[],
      (): null[] => [],
    );
    return { exitCode, ...resultsOf(root, report, strays) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function resultsOf(
  root: string,
  report: JsonReport,
  strays: readonly (string | null)[],
): Omit<VitestRun, 'exitCode'> {
  const tests: TestResult[] = [];
  const under = (path: string) => relative(root, path).replaceAll('\\', '/');
  const broken = strays.flatMap((path) => (path === null ? [] : [under(path)]));
  for (const result of report.testResults) {
    const file = under(result.name);
    for (const { fullName, status } of result.assertionResults) {
      const state = status === 'passed' || status === 'failed' ? status : 'skipped';
      tests.push({ file, name: fullName, state });
    }
    if (result.status === 'failed' && !result.assertionResults.some(({ status }) => status === 'failed'))
      broken.push(file);
  }
  return { tests, broken, strayErrors: strays.filter((path) => path === null).length };
}
