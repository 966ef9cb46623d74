import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const find = (pattern: string): string[] => globSync(pattern, { cwd: root }).toSorted();

/** What starts a server, or opens a database or a world. */
const OPENS =
  /\b(?:openWorld|openBareWorld|copyDatabase|openDatabase|startEmbedded|startServer|startIdp|createServer)\(/;

test('what several tests share is in test/support', () => {
  const elsewhere = find('test/**/*.ts').filter(
    (file) => !file.endsWith('.test.ts') && !/^test\/(?:support|proof)\//.test(file),
  );
  expect(elsewhere).toEqual([]);
});

test('no test in test/unit opens a database or a server', () => {
  const opening = (pattern: string) =>
    find(pattern).filter((file) => OPENS.test(readFileSync(join(root, file), 'utf8')));
  expect(opening('test/unit/**/*.test.ts')).toEqual([]);
  expect(opening('test/domain/**/*.test.ts')).not.toEqual([]);
});
