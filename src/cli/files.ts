import { chmodSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { Unusable, whyUnread, wordsOf } from './command.ts';

/** Only the owner may read and write it. */
const PRIVATE = 0o600;

/**
 * The text of a file; `-` is standard input. Throws Unusable; `otherwise` says what to do where there is no
 * such file.
 */
export function read(file: string, otherwise = ''): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') throw new Unusable(`There is no file ${file}. ${otherwise}`.trim());
    throw new Unusable(`${file} cannot be read: ${whyUnread(error)}`);
  }
}

/** The JSON object in a file. Throws Unusable where it holds anything else; never quotes what it holds. */
export function readJson(file: string, otherwise = ''): Readonly<Record<string, unknown>> {
  const text = read(file, otherwise);
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch {
    // The message of JSON.parse quotes the text, which may be a secret.
  }
  throw new Unusable(`${file} does not hold a JSON object.`);
}

/**
 * Writes a new file that only its owner can read. Throws Unusable where a file of that name exists: it is
 * never replaced.
 */
export function writeNewSecret(file: string, text: string, otherwise: string): void {
  try {
    writeFileSync(file, text, { flag: 'wx', mode: PRIVATE });
  } catch (error) {
    if (codeOf(error) === 'EEXIST')
      throw new Unusable(`${file} exists, and is never overwritten. ${otherwise}`);
    throw new Unusable(unwritable(file, error));
  }
}

/** Writes a file that only its owner can read, in place of one that may be there. Throws Unusable. */
export function replaceSecret(file: string, text: string): void {
  const fresh = `${file}.${process.pid}.tmp`;
  try {
    // A file that exists would keep its own mode; a new one in its place has ours from the start.
    writeFileSync(fresh, text, { flag: 'wx', mode: PRIVATE });
    chmodSync(fresh, PRIVATE);
    renameSync(fresh, file);
  } catch (error) {
    rmSync(fresh, { force: true });
    throw new Unusable(unwritable(file, error));
  }
}

const unwritable = (file: string, error: unknown): string =>
  codeOf(error) === 'ENOENT'
    ? `${file} cannot be written: its folder does not exist.`
    : `${file} cannot be written: ${wordsOf(error)}`;

const codeOf = (error: unknown): unknown =>
  typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
