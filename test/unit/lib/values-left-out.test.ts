import { expect, test } from 'vitest';
import { withoutValues } from '#db/without-values.ts';
import { createLogger } from '#lib/log.ts';

/** An error as drizzle-orm throws it, around one that postgres.js throws. */
function failedQuery(): Error {
  const cause = Object.assign(new Error('violates check constraint "no_merger"'), {
    name: 'PostgresError',
    code: '23514',
    constraint_name: 'no_merger',
    detail: 'Failing row contains (the merger with Globex).',
  });
  const message = 'Failed query: insert into mandates values ($1)\nparams: the merger with Globex';
  return Object.assign(new Error(message, { cause }), {
    query: 'insert into mandates values ($1)',
    params: ['the merger with Globex'],
  });
}

test('an error of the database is thrown on with its SQLSTATE and names, and without any value', () => {
  const bare = withoutValues(failedQuery()) as Error & { cause: Error };
  expect(bare.message).toContain('no_merger');
  expect(bare.cause).toMatchObject({ code: '23514', constraint_name: 'no_merger' });
  const everything = [bare, bare.cause].map((one) => [one.message, one.stack, JSON.stringify(one)]);
  expect(everything.flat().join()).not.toContain('Globex');
});

test('an error that comes to the log with its values is logged without them', () => {
  const lines: string[] = [];
  createLogger('info', { write: (line) => void lines.push(line) }).error({ err: failedQuery() }, 'failed');
  expect(lines.join()).toContain('no_merger');
  expect(lines.join()).not.toContain('Globex');
});
