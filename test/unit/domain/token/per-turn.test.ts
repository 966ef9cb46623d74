import { expect, test } from 'vitest';
import { perTurn } from '#domain/token/per-turn.ts';

/** Answers with the key and the number of the query. */
function counted() {
  const queries: [string, string[]][] = [];
  const ask = perTurn((tenantId, keys) => {
    queries.push([tenantId, keys]);
    if (keys.includes('broken')) return Promise.reject(new Error('gone'));
    return Promise.resolve(
      new Map(keys.filter((key) => key !== 'missing').map((key) => [key, `${key} ${queries.length}`])),
    );
  });
  return { queries, ask };
}

test('questions of one turn are one query for each tenant, each key once', async () => {
  const { queries, ask } = counted();
  const answers = await Promise.all([
    ask('t1', 'a'),
    ask('t1', 'b'),
    ask('t2', 'a'),
    ask('t1', 'a'),
    ask('t1', 'missing'),
  ]);
  expect(queries).toEqual([
    ['t1', ['a', 'b', 'missing']],
    ['t2', ['a']],
  ]);
  expect(answers).toEqual(['a 1', 'b 1', 'a 2', 'a 1', null]);
});

test('nothing is kept: the next question is a query of its own, also while the last one runs', async () => {
  const { queries, ask } = counted();
  expect(await ask('t1', 'a')).toBe('a 1');
  expect(await ask('t1', 'a')).toBe('a 2');
  expect(queries).toHaveLength(2);
});

test('a query that fails fails its own questions and no other', async () => {
  const { ask } = counted();
  const [broken, beside, other] = await Promise.allSettled([
    ask('t1', 'broken'),
    ask('t1', 'a'),
    ask('t2', 'a'),
  ]);
  expect([broken.status, beside.status, other.status]).toEqual(['rejected', 'rejected', 'fulfilled']);
  expect(await ask('t1', 'a')).toBe('a 3');
});
