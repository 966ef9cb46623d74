import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { lawRows } from '../support/laws.ts';

const root = resolve(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

const rows = lawRows();

/** Whether a file has a test, a group of tests or a table row with exactly this title. */
function has(file: string, title: string): boolean {
  const source = read(file);
  const escaped = title.replaceAll('\\', '\\\\');
  return [
    `'${escaped.replaceAll("'", "\\'")}'`,
    `"${escaped.replaceAll('"', '\\"')}"`,
    `\`${escaped}\``,
  ].some((quoted) => new RegExp(`[([,]\\s*${RegExp.escape(quoted)},`).test(source));
}

test('every law and every threat has one row in docs/laws.md, in order', () => {
  const wanted = [
    ...Array.from({ length: 14 }, (_, nth) => `law ${nth + 1}`),
    ...Array.from({ length: 41 }, (_, nth) => `T${nth + 1}`),
  ];
  expect(rows.map(({ name }) => name)).toEqual(wanted);
});

test('every test that docs/laws.md names exists under that name', () => {
  const gone = rows.flatMap(({ name, tests }) =>
    tests
      .filter(({ file, title }) => !has(file, title))
      .map(({ file, title }) => `${name}: ${file} ${title}`),
  );
  expect(gone).toEqual([]);
  expect(has('test/unit/laws.test.ts', 'no such test')).toBe(false);
});
