import { expect, test } from 'vitest';
import { gather } from '#lib/gather.ts';

/** Answers each question with itself and the number of its batch, when it is allowed to. */
function counted(paceMs = 0) {
  const batches: [string, readonly string[]][] = [];
  let open: Promise<void> = Promise.resolve();
  const ask = gather<string, string>(async (group, questions) => {
    batches.push([group, questions]);
    const number = batches.length;
    await open;
    if (questions.includes('broken')) throw new Error('gone');
    return questions.map((question) => `${question} ${number}`);
  }, paceMs);
  const hold = () => {
    let release = () => {};
    open = new Promise((resolve) => void (release = resolve));
    return () => release();
  };
  return { batches, ask, hold };
}

test('questions of one turn are one batch for each group, answered in their order', async () => {
  const { batches, ask } = counted();
  const answers = await Promise.all([ask('t1', 'a'), ask('t1', 'b'), ask('t2', 'a'), ask('t1', 'a')]);
  expect(batches).toEqual([
    ['t1', ['a', 'b', 'a']],
    ['t2', ['a']],
  ]);
  expect(answers).toEqual(['a 1', 'b 1', 'a 2', 'a 1']);
});

test('what is asked while a batch is being answered is answered by a later one, and other groups do not wait', async () => {
  const { batches, ask, hold } = counted();
  const release = hold();
  const first = ask('t1', 'a');
  await expect.poll(() => batches.length).toBe(1);
  const late = [ask('t1', 'b'), ask('t1', 'c')];
  const other = ask('t2', 'x');
  await expect.poll(() => batches.length).toBe(2);
  expect(batches[1]).toEqual(['t2', ['x']]);
  release();
  expect(await Promise.all([first, other, ...late])).toEqual(['a 1', 'x 2', 'b 3', 'c 3']);
});

test('nothing is kept: the same question again is asked again', async () => {
  const { batches, ask } = counted();
  expect(await ask('t1', 'a')).toBe('a 1');
  expect(await ask('t1', 'a')).toBe('a 2');
  expect(batches).toHaveLength(2);
});

test('a batch that fails fails its own questions and no other', async () => {
  const { ask } = counted();
  const [broken, beside, other] = await Promise.allSettled([
    ask('t1', 'broken'),
    ask('t1', 'a'),
    ask('t2', 'a'),
  ]);
  expect([broken.status, beside.status, other.status]).toEqual(['rejected', 'rejected', 'fulfilled']);
  expect(await ask('t1', 'a')).toBe('a 3');
});

const MANY = ['b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'];

test('after a batch of many the next one collects for a while; after a batch of few it does not', async () => {
  const { batches, ask, hold } = counted(500);
  const few = hold();
  const first = ask('t1', 'a');
  await expect.poll(() => batches.length).toBe(1);
  const many = MANY.map((question) => ask('t1', question));
  const slow = hold();
  few();
  await first;
  await expect.poll(() => batches.length).toBe(2);
  const early = ask('t1', 'y');
  slow();
  await Promise.all(many);
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  const late = ask('t1', 'z');
  await Promise.all([early, late]);
  expect(batches.map(([, questions]) => questions)).toEqual([['a'], MANY, ['y', 'z']]);
});
