import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readMutants, type Mutant } from './testing/mutant.ts';
import { copyTree, type TreeCopy } from './testing/tree-copy.ts';
import { runVitest } from './testing/vitest.ts';
import { startTemplate, TEMPLATE_URL } from '../test/support/template-database.ts';

/**
 * Shows that the tests of the laws can fail. Applies each mutant of `test/mutants` to a copy of the tree and
 * runs the tests that its header names; every one of them must exist and fail. The exit code is 0 only if all
 * mutants were killed.
 *
 *     npm run mutants                     all
 *     npm run mutants -- law-2-share-lock others…    these
 *     npm run mutants -- --today          a twentieth of them, another one each day
 *     npm run mutants -- --jobs=2         two at once
 */
const SHARES = 20;
const MS_PER_DAY = 86_400_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    today: { type: 'boolean', default: false },
    jobs: { type: 'string', default: '1' },
  },
});
const root = join(import.meta.dirname, '..');
const mutants = chosen(readMutants(root));
const left = [...mutants];
// One database for all, since starting and migrating it is most of a small run.
const template = await startTemplate();
let killed = 0;
let survived = 0;
await Promise.all(Array.from({ length: Math.max(1, Number(values.jobs) || 1) }, worker));
await template.stop();
console.log(`\n${killed} killed, ${survived} survived`);
process.exitCode = survived === 0 && killed === mutants.length ? 0 : 1;

/** Runs mutants one after another, in its own copy of the tree. */
async function worker(): Promise<void> {
  const copy = copyTree(root);
  try {
    for (let mutant = left.shift(); mutant !== undefined; mutant = left.shift()) {
      const began = Date.now();
      const problem = await survives(copy, mutant);
      if (problem === null) killed += 1;
      else survived += 1;
      const seconds = Math.round((Date.now() - began) / 1000);
      console.log(
        problem === null
          ? `killed    ${mutant.name} (${seconds} s)`
          : `SURVIVED  ${mutant.name} (${seconds} s)\n          Breaks ${mutant.breaks}\n          ${problem}`,
      );
    }
  } finally {
    copy.remove();
  }
}

/** What is wrong, or null if every test that the mutant names failed. */
async function survives(copy: TreeCopy, mutant: Mutant): Promise<string | null> {
  if (!copy.patch(mutant.file, 'apply'))
    return 'The patch does not apply, because the code has changed. Make a new one.';
  const problem = await testsPass(copy.root, mutant);
  if (!copy.patch(mutant.file, 'revert')) throw new Error(`${mutant.name} could not be reverted`);
  return problem;
}

/**
 * Runs the tests that the mutant names. Returns, in words, the first that passes or does not exist. Null if
 * all fail.
 */
async function testsPass(mutated: string, mutant: Mutant): Promise<string | null> {
  for (const file of new Set(mutant.killedBy.map((test) => test.file))) {
    const names = mutant.killedBy.filter((test) => test.file === file).map(({ name }) => name);
    // Between a group and a title, vitest expects ` > ` for `-t` and writes a space in its report.
    const pattern = names.map((name) => RegExp.escape(name).replaceAll('\\x20', '(?: | > )')).join('|');
    const env = mutant.changesDatabase ? {} : { [TEMPLATE_URL]: template.url };
    const { tests } = await runVitest(mutated, [file, '-t', pattern], 'ignore', env);
    for (const name of names) {
      const run = tests.filter((test) => test.name.includes(name) && test.state !== 'skipped');
      if (run.length === 0)
        return `${file} has no test "${name}" that ran. A file that does not load does not kill a mutant.`;
      if (run.every(({ state }) => state === 'passed')) return `${file} "${name}" still passes.`;
    }
  }
  return null;
}

function chosen(all: readonly Mutant[]): Mutant[] {
  if (positionals.length > 0) {
    const unknown = positionals.filter((name) => !all.some((mutant) => mutant.name === name));
    if (unknown.length > 0) {
      console.error(
        `Unknown mutants: ${unknown.join(', ')}. Mutants:\n  ${all.map(({ name }) => name).join('\n  ')}`,
      );
      process.exit(1);
    }
    return all.filter(({ name }) => positionals.includes(name));
  }
  if (!values.today) return [...all];
  const share = Math.floor(Date.now() / MS_PER_DAY) % SHARES;
  return all.filter((_, nth) => nth % SHARES === share);
}
