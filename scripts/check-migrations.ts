import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import config from '../drizzle.config.ts';

/**
 * Exits with 1 if the tables have changes that no migration contains (generates into a copy and looks for a
 * new file), or if a file in the folder is not in the journal, so that no database has it.
 */
const root = fileURLToPath(new URL('../', import.meta.url));
const folder = join(root, 'src/db/migrations');
const journal = JSON.parse(readFileSync(join(folder, 'meta/_journal.json'), 'utf8')) as {
  entries: { tag: string }[];
};
const applied = journal.entries.map(({ tag }) => `${tag}.sql`).toSorted();
const files = readdirSync(folder)
  .filter((name) => name.endsWith('.sql'))
  .toSorted();
if (applied.join() !== files.join()) {
  console.error(`The journal has ${applied.join(', ')}, and the folder has ${files.join(', ')}.`);
  process.exitCode = 1;
}
const copy = mkdtempSync(join(tmpdir(), 'prokura-migrations-'));
try {
  cpSync(folder, copy, { recursive: true });
  const file = join(copy, 'drizzle.config.json');
  writeFileSync(file, JSON.stringify({ ...config, out: relative(root, copy) }));
  const before = readdirSync(copy).length;
  execFileSync(
    join(root, 'node_modules/.bin/drizzle-kit'),
    ['generate', '--config', relative(root, file), '--name', 'drift'],
    { cwd: root, stdio: 'pipe' },
  );
  if (readdirSync(copy).length !== before) {
    console.error('The tables have changed, but there is no migration: npm run db:generate -- --name <what>');
    process.exitCode = 1;
  } else if (files.join() === applied.join()) console.log('migrations are up to date');
} finally {
  rmSync(copy, { recursive: true, force: true });
}
