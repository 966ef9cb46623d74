import { expect, inject, test } from 'vitest';

test('this test passes, on the database of the suite', () => {
  expect(inject('templateUrl')).toMatch(/^postgres:/);
});
