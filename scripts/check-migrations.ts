import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import config from '../drizzle.config.ts';

/**
 * Exits with 1 if the tables have changes that no migration contains: generates into a copy and looks for a
 * new file.
 */
const root = fileURLToPath(new URL('../', import.meta.url));
const copy = mkdtempSync(join(tmpdir(), 'prokura-migrations-'));
try {
  cpSync(join(root, 'src/db/migrations'), copy, { recursive: true });
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
  } else console.log('migrations are up to date');
} finally {
  rmSync(copy, { recursive: true, force: true });
}
