import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Fault } from '#lib/fault.ts';
import { openPlaces } from '#lib/places.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Work that ends when told, and what became of it. */
function piece(within: () => ReturnType<ReturnType<typeof openPlaces>['within']>, end: () => void) {
  return { end, done: within().then(String, (error: unknown) => error) };
}

function hall(capacity = { places: 2, line: 2, waitMs: 1000 }) {
  const places = openPlaces(capacity);
  const begun: string[] = [];
  const begin = (name: string, given?: AbortSignal) => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const work = () => {
      begun.push(name);
      return promise;
    };
    return piece(
      () => places.within(name.charAt(0), work, given),
      () => resolve(name),
    );
  };
  return { places, begun, begin };
}

const turn = () => vi.advanceTimersByTimeAsync(0);
const busy = (error: unknown) => error instanceof Fault && error.detail.reason === 'busy';

test('no more begin than there are places, and the next begins when one ends', async () => {
  const { begun, begin } = hall();
  const [first] = [begin('a1'), begin('a2'), begin('a3')];
  await turn();
  expect(begun).toEqual(['a1', 'a2']);
  first.end();
  await turn();
  expect(begun).toEqual(['a1', 'a2', 'a3']);
});

test('a place that work left by throwing is free', async () => {
  const { places, begun, begin } = hall({ places: 1, line: 1, waitMs: 1000 });
  await expect(places.within('a', () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  begin('a1');
  await turn();
  expect(begun).toEqual(['a1']);
});

test('who finds too many of its group in line is refused, and the other groups are not', async () => {
  const { begun, begin } = hall();
  for (const name of ['a1', 'a2', 'a3', 'a4']) begin(name);
  const refused = begin('a5');
  begin('b1');
  expect(await refused.done).toSatisfy(busy);
  expect(begun).toEqual(['a1', 'a2']);
});

test('a free place goes to the group that holds the fewest, and within it to who came first', async () => {
  const { begun, begin } = hall();
  const [first, second] = ['a1', 'a2', 'a3', 'a4', 'b1', 'b2'].map((name) => begin(name));
  first?.end();
  await turn();
  expect(begun).toEqual(['a1', 'a2', 'b1']);
  second?.end();
  await turn();
  expect(begun).toEqual(['a1', 'a2', 'b1', 'a3']);
});

test('who waits longer than the line allows is refused, and leaves the line', async () => {
  const { begun, begin } = hall();
  const [first] = ['a1', 'a2'].map((name) => begin(name));
  const late = begin('a3');
  await vi.advanceTimersByTimeAsync(1000);
  expect(await late.done).toSatisfy(busy);
  begin('a4');
  begin('a5');
  first?.end();
  await turn();
  expect(begun).toEqual(['a1', 'a2', 'a4']);
});

test('who is given up leaves the line', async () => {
  const { begun, begin } = hall();
  const [first] = ['a1', 'a2'].map((name) => begin(name));
  const gone = new AbortController();
  const waiting = begin('a3', gone.signal);
  begin('a4');
  await turn();
  gone.abort();
  expect(await waiting.done).toSatisfy(busy);
  expect(await begin('a5', gone.signal).done).toSatisfy(busy);
  begin('a6');
  first?.end();
  await turn();
  expect(begun).toEqual(['a1', 'a2', 'a4']);
});
