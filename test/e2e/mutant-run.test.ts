import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Mutant } from '../../scripts/testing/mutant.ts';
import { survives, unprovable } from '../../scripts/testing/named-tests.ts';

const FILE = 'test/sum.test.ts';
const SOURCE = `
  import { describe, expect, test } from 'vitest';
  describe('a sum', () => test('is right', () => expect(1 + 1).toBe(2)));
  test('is wrong', () => expect(1 + 1).toBe(3));
  test.skip('is left out', () => {});
`;
// The suite sets these for its own runs.
const OUTER = Object.fromEntries(
  Object.keys(process.env)
    .filter((name) => /^VITEST|^NODE_ENV$/.test(name))
    .map((name) => [name, '']),
);

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'prokura-mutants-'));
  mkdirSync(join(root, 'test'));
  writeFileSync(join(root, FILE), SOURCE);
  symlinkSync(resolve(import.meta.dirname, '../../node_modules'), join(root, 'node_modules'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const killedBy = (name: string, file = FILE): Mutant => ({
  name: `killed by ${name}`,
  file: 'none.patch',
  breaks: 'nothing',
  changesDatabase: false,
  killedBy: [{ file, name }],
});

test('a test that is red without the mutant, or did not run, proves nothing, and is said to', async () => {
  const mutants = [
    killedBy('a sum is right'),
    killedBy('is wrong'),
    killedBy('is left out'),
    killedBy('is not there'),
    killedBy('is in no file', 'test/gone.test.ts'),
  ];
  const didNotRun = (file: string, name: string) =>
    `${file} has no test "${name}" that ran. A file that does not load does not kill a mutant.`;
  expect(Object.fromEntries(await unprovable(root, mutants, OUTER))).toEqual({
    'killed by is wrong': `${FILE} "is wrong" is red without the mutant.`,
    'killed by is left out': didNotRun(FILE, 'is left out'),
    'killed by is not there': didNotRun(FILE, 'is not there'),
    'killed by is in no file': didNotRun('test/gone.test.ts', 'is in no file'),
  });
});

test('a mutant survives if its test passes or does not run, and is killed if it fails', async () => {
  expect(await survives(root, killedBy('a sum is right'), OUTER)).toBe(
    `${FILE} "a sum is right" still passes.`,
  );
  expect(await survives(root, killedBy('is left out'), OUTER)).toMatch(/has no test "is left out" that ran/);
  expect(await survives(root, killedBy('is wrong'), OUTER)).toBeNull();
});
