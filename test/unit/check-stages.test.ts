import { expect, test } from 'vitest';
import { runStages } from '../../scripts/testing/stages.ts';

const root = import.meta.dirname;
/** A stage that writes its name and ends with `code`. */
const stage = (name: string, code: number) => ({
  name,
  command: `echo said by ${name}; echo and why >&2; exit ${code}`,
});

/** Runs the stages, and returns the exit code with everything that was written. */
async function check(...stages: { name: string; command: string }[]) {
  let said = '';
  const code = await runStages(stages, root, (text) => (said += text));
  return { code, said };
}

test('a stage that fails hides no other: all run, each has its line, and the exit code is 1', async () => {
  const { code, said } = await check(stage('format', 1), stage('types', 2), stage('lint', 0));
  expect(code).toBe(1);
  expect(said).toMatch(/^FAILED {2}format +\d+\.\d s\nFAILED {2}types +\d+\.\d s\nok {6}lint +\d+\.\d s\n/);
  for (const failed of ['format', 'types'])
    expect(said).toContain(`--- ${failed} ---\nsaid by ${failed}\nand why\n`);
  expect(said).not.toContain('said by lint');
  expect(said).toMatch(/\n2 of 3 failed: format, types\n$/);
});

test('if all pass, the exit code is 0 and only the lines are written', async () => {
  const { code, said } = await check(stage('format', 0), stage('lint', 0));
  expect(code).toBe(0);
  expect(said.trimEnd().split('\n')).toHaveLength(2);
});

test('what cannot be started, what a signal ends and an empty list have failed', async () => {
  const gone = { name: 'gone', command: 'no-such-program-at-all' };
  const ended = { name: 'ended', command: 'kill -KILL $$' };
  const { code, said } = await check(gone, ended, stage('last', 0));
  expect(code).toBe(1);
  expect(said).toMatch(/2 of 3 failed: gone, ended/);
  expect((await check()).code).toBe(1);
});
