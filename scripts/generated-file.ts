import { mkdir, readFile, writeFile } from 'node:fs/promises';

/**
 * Writes a generated file. With `--check` among the arguments of the process, compares it instead, and sets
 * exit code 1 if it differs. Line ends and the last newline count.
 */
export async function generated(file: URL, text: string, command: string): Promise<void> {
  const name = file.pathname.split('/').slice(-2).join('/');
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
  console.error(`${name} is out of date. Run: ${command}`);
  process.exitCode = 1;
}
