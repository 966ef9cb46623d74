import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { readMutants, rowsOf, type Mutant } from '../../scripts/testing/mutant.ts';
import { lawRows, type LawRow } from '../support/laws.ts';

const root = resolve(import.meta.dirname, '../..');
const mutants = readMutants(root);

test.each(mutants)('the mutant $name applies to the code as it is, and its tests exist', (mutant) => {
  expect(() =>
    execFileSync('git', ['apply', '-C1', '--check', mutant.file], { cwd: root, stdio: 'pipe' }),
  ).not.toThrow();
  for (const { file } of mutant.killedBy) expect([file, existsSync(join(root, file))]).toEqual([file, true]);
});

/** Whether one of the row's own tests kills the mutant, which may name a part of the title. */
const isKilledBy = (mutant: Mutant, { tests }: LawRow): boolean =>
  mutant.killedBy.some(({ file, name }) =>
    tests.some(
      (one) =>
        one.file === file &&
        (one.title.includes(name) || one.title.split(/%[a-z]/).every((part) => name.includes(part))),
    ),
  );

test('every law and every threat has a mutant that one of its own tests kills', () => {
  const bare = lawRows().filter(
    (row) => !mutants.some((mutant) => rowsOf(mutant).includes(row.name) && isKilledBy(mutant, row)),
  );
  expect(bare.map(({ name }) => name)).toEqual([]);
});
