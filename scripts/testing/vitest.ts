import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

/** One test of a run. `name` is its groups and its title, with spaces between. */
export interface TestResult {
  /** Relative to the root of the run, with forward slashes. */
  readonly file: string;
  readonly name: string;
  readonly state: 'passed' | 'failed' | 'skipped';
}

export interface VitestRun {
  readonly exitCode: number | null;
  readonly tests: readonly TestResult[];
  /** Files that failed without a failed test: they do not load, or a hook of theirs throws. */
  readonly broken: readonly string[];
}

interface JsonReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

/**
 * Runs vitest in `root` with `args` and reads its JSON report; `output` says where its own text goes. A run that writes no report (it was
 * killed, or its set-up threw) has no tests: look at the exit code too. Does not throw where tests fail.
 */
export async function runVitest(
  root: string,
  args: readonly string[],
  output: 'inherit' | 'ignore',
): Promise<VitestRun> {
  const folder = await mkdtemp(join(tmpdir(), 'prokura-report-'));
  const file = join(folder, 'report.json');
  try {
    const vitest = join(root, 'node_modules/vitest/vitest.mjs');
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
    const child = spawn(process.execPath, [vitest, 'run', ...args, ...reporters], {
      cwd: root,
      stdio: ['ignore', output, output],
    });
    const exitCode = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    const report = await readFile(file, 'utf8').then(
      (text) => JSON.parse(text) as JsonReport,
      (): JsonReport => ({ testResults: [] }),
    );
    return { exitCode, ...resultsOf(root, report) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function resultsOf(root: string, report: JsonReport): Pick<VitestRun, 'tests' | 'broken'> {
  const tests: TestResult[] = [];
  const broken: string[] = [];
  for (const result of report.testResults) {
    const file = relative(root, result.name).replaceAll('\\', '/');
    for (const { fullName, status } of result.assertionResults) {
      const state = status === 'passed' || status === 'failed' ? status : 'skipped';
      tests.push({ file, name: fullName, state });
    }
    if (result.status === 'failed' && !result.assertionResults.some(({ status }) => status === 'failed'))
      broken.push(file);
  }
  return { tests, broken };
}
