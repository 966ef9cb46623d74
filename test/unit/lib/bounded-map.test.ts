import { expect, test } from 'vitest';
import { boundedMap } from '#lib/bounded-map.ts';

const kept = (map: { get(key: string): unknown }, keys: string) =>
  keys
    .split('')
    .filter((key) => map.get(key) !== undefined)
    .join('');

test('holds so many entries, and lets the oldest go', () => {
  const map = boundedMap<number>({ entries: 3, bytes: 100 });
  for (const key of 'abcd') map.set(key, 1, 1);
  expect(kept(map, 'abcd')).toBe('bcd');
  map.set('b', 2, 1);
  map.set('e', 1, 1);
  expect([kept(map, 'abcde'), map.get('b')]).toEqual(['bde', 2]);
});

test('holds so many bytes, lets as many go as are needed, and keeps nothing that is too heavy by itself', () => {
  const map = boundedMap<number>({ entries: 100, bytes: 10 });
  map.set('a', 1, 4);
  map.set('b', 1, 3);
  map.set('c', 1, 3);
  expect(kept(map, 'abc')).toBe('abc');
  map.set('d', 1, 5);
  expect(kept(map, 'abcd')).toBe('cd');
  map.set('e', 1, 11);
  expect(kept(map, 'abcde')).toBe('cd');
  map.set('c', 1, 11);
  expect(kept(map, 'abcde')).toBe('d');
});

test('what is replaced, deleted or cleared weighs nothing any more', () => {
  const map = boundedMap<number>({ entries: 100, bytes: 10 });
  for (let nth = 0; nth < 50; nth += 1) map.set('a', nth, 6);
  map.set('b', 1, 4);
  expect(kept(map, 'ab')).toBe('ab');
  map.delete('a');
  map.delete('nobody');
  map.set('c', 1, 6);
  expect(kept(map, 'abc')).toBe('bc');
  map.clear();
  map.set('d', 1, 10);
  expect(kept(map, 'bcd')).toBe('d');
});
