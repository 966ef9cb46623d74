import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import config from '../drizzle.config.ts';

/** Exits 1 where the tables say something that no migration says yet: it generates into a copy and looks for a new file. */
const root = fileURLToPath(new URL('../', import.meta.url));
const copy = mkdtempSync(join(tmpdir(), 'prokura-migrations-'));
try {
  cpSync(join(root, 'src/db/migrations'), copy, { recursive: true });
  const before = readdirSync(copy).length;
  const schemas = [config.schema ?? []].flat().flatMap((pattern) => ['--schema', pattern]);
  execFileSync(join(root, 'node_modules/.bin/drizzle-kit'), ['generate', '--dialect', 'postgresql', ...schemas, '--out', relative(root, copy), '--name', 'drift'], { cwd: root, stdio: 'pipe' });
  if (readdirSync(copy).length !== before) {
    console.error('The tables have changed without a migration: npm run db:generate -- --name <what>');
    process.exitCode = 1;
  } else console.log('migrations are fresh');
} finally {
  rmSync(copy, { recursive: true, force: true });
}
