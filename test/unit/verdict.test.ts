import { expect, test } from 'vitest';
import { whyNotKilled } from '../../scripts/testing/verdict.ts';
import type { TestResult } from '../../scripts/testing/vitest.ts';

const results = (...states: TestResult['state'][]): TestResult[] =>
  states.map((state, nth) => ({ file: 'x.test.ts', name: `a vote counts once ${nth}`, state }));

test('a test that passes without the mutant and fails with it kills the mutant', () => {
  expect(whyNotKilled('counts once', results('passed'), results('failed'))).toBeNull();
  expect(whyNotKilled('counts once', results('passed', 'passed'), results('passed', 'failed'))).toBeNull();
});

test('a test that fails without the mutant kills nothing', () => {
  expect(whyNotKilled('counts once', results('failed'), results('failed'))).toContain(
    'fails without the mutant too',
  );
});

test('a test that still passes, that does not exist, or that did not run kills nothing', () => {
  expect(whyNotKilled('counts once', results('passed'), results('passed'))).toContain('still passes');
  expect(whyNotKilled('counts twice', results('passed'), results('failed'))).toContain('there is no test');
  expect(whyNotKilled('counts once', results('skipped'), results('failed'))).toContain('there is no test');
  expect(whyNotKilled('counts once', results('passed'), [])).toContain('did not run');
});
