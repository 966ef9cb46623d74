import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { readMutants, rowsOf } from '../../scripts/testing/mutant.ts';

const root = resolve(import.meta.dirname, '../..');
const mutants = readMutants(root);

test.each(mutants)('the mutant $name applies to the code as it is, and its tests exist', (mutant) => {
  expect(() =>
    execFileSync('git', ['apply', '--check', mutant.file], { cwd: root, stdio: 'pipe' }),
  ).not.toThrow();
  for (const { file } of mutant.killedBy) expect([file, existsSync(join(root, file))]).toEqual([file, true]);
});

test('every law, and every threat that names a test, has a mutant', () => {
  const rows = [...readFileSync(join(root, 'docs/laws.md'), 'utf8').matchAll(/^\| (T?\d+) \|/gm)].map(
    ([, name = '']) => (name.startsWith('T') ? name : `law ${name}`),
  );
  const broken = new Set(mutants.flatMap(rowsOf));
  expect(rows.filter((row) => !broken.has(row))).toEqual([]);
});
