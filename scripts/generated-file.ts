import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * Writes a generated file. With `--check` among the arguments of the process, compares it instead, and sets
 * exit code 1 if it differs. Line ends and the last newline count.
 */
export async function generated(file: URL, text: string): Promise<void> {
  const name = relative(root, fileURLToPath(file));
  if (!process.argv.includes('--check')) {
    await mkdir(new URL('.', file), { recursive: true });
    await writeFile(file, text);
    console.log(`wrote ${name}`);
    return;
  }
  const found = await readFile(file, 'utf8').catch(() => '');
  if (found === text) {
    console.log(`${name} is up to date`);
    return;
  }
  console.error(`${name} is out of date. Run: npm run generate`);
  process.exitCode = 1;
}
