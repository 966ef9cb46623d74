import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { NewEntry } from '#domain/ledger/entry.ts';
import { createStrangerCount } from '#domain/token/exchange/refusal.ts';
import { createLogger } from '#lib/log.ts';

const WRONG = { error: 'invalid_client', reason: 'client_malformed' };
const log = createLogger('info', { write: () => {} });
let written: NewEntry[];
let fails: boolean;
const count = () =>
  createStrangerCount({
    now: () => new Date(Date.now()),
    log,
    record: (_tenant, entry) => {
      if (fails) return Promise.reject(new Error('no database'));
      written.push(entry);
      return Promise.resolve(null);
    },
  });
const numbers = () => written.map(({ data }) => data['count']);

beforeEach(() => {
  vi.useFakeTimers();
  [written, fails] = [[], false];
});
afterEach(() => void vi.useRealTimers());

test('a reason is one entry at once and one a minute with the number of the others, until there are none', async () => {
  const strangers = count();
  for (let nth = 0; nth < 500; nth += 1) await strangers.add('tnt_1', WRONG);
  expect(numbers()).toEqual([1]);
  const begun = new Date(Date.now()).toISOString();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(numbers()).toEqual([1, 499]);
  expect(written.at(-1)).toEqual({
    event: 'TOKEN_REFUSED',
    actor: 'unauthenticated client',
    data: { ...WRONG, client_authenticated: false, count: 499, since: begun },
  });
  await strangers.add('tnt_1', WRONG);
  expect(numbers()).toEqual([1, 499]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(numbers()).toEqual([1, 499, 1]);
  await vi.advanceTimersByTimeAsync(60_000);
  await strangers.add('tnt_1', WRONG);
  expect(numbers()).toEqual([1, 499, 1, 1]);
});

test('tenants and reasons are counted apart, and an end of the process writes what is counted', async () => {
  const strangers = count();
  for (const tenant of ['tnt_1', 'tnt_2', 'tnt_1']) await strangers.add(tenant, WRONG);
  await strangers.add('tnt_1', { ...WRONG, reason: 'client_expired' });
  expect(numbers()).toEqual([1, 1, 1]);
  await strangers.flush();
  expect(numbers()).toEqual([1, 1, 1, 1]);
  await vi.advanceTimersByTimeAsync(120_000);
  expect(numbers()).toEqual([1, 1, 1, 1]);
});

test('what could not be written is written with the next minute; without the first line there is no answer', async () => {
  const strangers = count();
  fails = true;
  await expect(strangers.add('tnt_1', WRONG)).rejects.toThrow('no database');
  fails = false;
  await strangers.add('tnt_1', WRONG);
  await strangers.add('tnt_1', WRONG);
  fails = true;
  await vi.advanceTimersByTimeAsync(60_000);
  await strangers.add('tnt_1', WRONG);
  fails = false;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(numbers()).toEqual([1, 2]);
});
