import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const { printWidth } = JSON.parse(readFileSync(join(root, '.oxfmtrc.json'), 'utf8')) as {
  printWidth: number;
};

/** The lines of comments that are wider than the formatter lets code be. Directives to tools stay whole. */
const wideComments = (text: string): string[] =>
  text
    .split('\n')
    .filter(
      (line) => line.length > printWidth && /^\s*(?:\/\/|\/?\*)/.test(line) && !/^\s*\/\/ oxlint-/.test(line),
    );

test('no comment is wider than the code', () => {
  expect(wideComments(`  // ${'word '.repeat(30)}`)).toHaveLength(1);
  const files = execFileSync('git', ['ls-files', '-z', '*.ts', '*.mjs'], { cwd: root, encoding: 'utf8' })
    .split('\0')
    .filter((file) => file !== '');
  expect(files.length).toBeGreaterThan(500);
  const wide = files.flatMap((file) =>
    wideComments(readFileSync(join(root, file), 'utf8')).map((line) => `${file}: ${line.trim()}`),
  );
  expect(wide).toEqual([]);
});
