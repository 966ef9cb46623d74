import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';

test('this test passes, and leaves a rejected promise that nobody awaits', async () => {
  void Promise.reject(new Error('nobody awaits this'));
  await sleep(10);
  expect(true).toBe(true);
});
