import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';

/**
 * Writes the command line program and every file of ours that it imports to `dist/`, as JavaScript. Node does
 * not strip types in packages, and `tsc` does not rewrite imports that begin with `#`. Both kinds of imports
 * become relative paths to `.js` files.
 */
const { values } = parseArgs({ options: { out: { type: 'string', default: 'dist' } } });
const root = resolve(import.meta.dirname, '..');
const source = join(root, 'src');
const out = resolve(root, values.out);

const IMPORT = /((?:from|import)\s*\(?\s*)'([#.][^']*)\.ts'/g;
const done = new Set<string>();
const waiting = [join(source, 'main/cli.ts')];
for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
  if (done.has(file)) continue;
  done.add(file);
  const here = file;
  const code = stripTypeScriptTypes(readFileSync(here, 'utf8')).replaceAll(
    IMPORT,
    (_, before: string, specifier: string) => {
      const target = specifier.startsWith('#')
        ? join(source, specifier.slice(1))
        : resolve(dirname(here), specifier);
      waiting.push(`${target}.ts`);
      const path = relative(dirname(here), target);
      return `${before}'${path.startsWith('.') ? path : `./${path}`}.js'`;
    },
  );
  // Node 20 does not know `import.meta.main`. Files in `dist/` are only ever run.
  const ready = code.replace('import.meta.main', 'true').replaceAll(/[ \t]+$/gm, '');
  const to = join(out, relative(source, here).replace(/\.ts$/, '.js'));
  mkdirSync(dirname(to), { recursive: true });
  writeFileSync(to, ready, { mode: here.endsWith('cli.ts') ? 0o755 : 0o644 });
}
// `prokura check` holds a database against the migrations that this version knows.
const journal = 'db/migrations/meta/_journal.json';
cpSync(join(source, journal), join(out, journal));
console.log(`${done.size} files of the command line program in ${relative(root, out) || '.'}`);
