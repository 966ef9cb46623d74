import { expect, test } from 'vitest';

test('this test fails, and the run with it', () => {
  expect('this run').toBe('a run that fails');
});
