import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readMutants, type Mutant } from './testing/mutant.ts';
import { survives, unprovable } from './testing/named-tests.ts';
import { copyTree, type TreeCopy } from './testing/tree-copy.ts';
import { startTemplate, TEMPLATE_URL } from '../test/support/template-database.ts';

/**
 * Shows that the tests of the laws can fail. First runs the tests that the mutants name on the code as it is,
 * since a test that is red anyway proves nothing. Then applies each mutant of `test/mutants` to a copy of the
 * tree and runs the tests that its header names; every one of them must exist and fail. The exit code is 0
 * only if all mutants were killed.
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
// One database for all, since starting and migrating it is most of a small run.
const template = await startTemplate();
const left = await provable();
const unproven = mutants.length - left.length;
let killed = 0;
let survived = 0;
await Promise.all(Array.from({ length: Math.max(1, Number(values.jobs) || 1) }, worker));
await template.stop();
console.log(`\n${killed} killed, ${survived} survived, ${unproven} unproven`);
process.exitCode = killed === mutants.length ? 0 : 1;

/** Runs mutants one after another, in its own copy of the tree. */
async function worker(): Promise<void> {
  const copy = copyTree(root);
  try {
    for (let mutant = left.shift(); mutant !== undefined; mutant = left.shift()) {
      const began = Date.now();
      const problem = await problemWith(copy, mutant);
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
async function problemWith(copy: TreeCopy, mutant: Mutant): Promise<string | null> {
  if (!copy.patch(mutant.file, 'apply'))
    return 'The patch does not apply, because the code has changed. Make a new one.';
  const env = mutant.changesDatabase ? {} : { [TEMPLATE_URL]: template.url };
  const problem = await survives(copy.root, mutant, env);
  if (!copy.patch(mutant.file, 'revert')) throw new Error(`${mutant.name} could not be reverted`);
  return problem;
}

/** Says which mutants have tests that are red without them, and returns the others. */
async function provable(): Promise<Mutant[]> {
  const copy = copyTree(root);
  try {
    const problems = await unprovable(copy.root, mutants, { [TEMPLATE_URL]: template.url });
    for (const [name, problem] of problems) console.log(`UNPROVEN  ${name}\n          ${problem}`);
    return mutants.filter(({ name }) => !problems.has(name));
  } finally {
    copy.remove();
  }
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
