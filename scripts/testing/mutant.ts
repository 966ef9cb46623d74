import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/**
 * A deliberate fault of the product, as `test/mutants/<name>.patch`: two kinds of header lines, then a patch
 * for `git apply` at the root.
 *
 *     Breaks: law 2: an execution no longer waits for somebody who is leaving
 *     Killed by: test/surfaces/law-leaving.test.ts > law 2: an execution that begins while …
 */
export interface Mutant {
  readonly name: string;
  readonly file: string;
  /** What no longer holds. Begins with the row of docs/laws.md if there is one: `law 2: …`, `T17: …`. */
  readonly breaks: string;
  /** Whether it changes how the database is created. Then its tests need their own database. */
  readonly changesDatabase: boolean;
  /**
   * The tests that must fail: the file, and the name (groups and title, separated by spaces) or a part of it.
   */
  readonly killedBy: readonly { readonly file: string; readonly name: string }[];
}

/**
 * Reads every mutant of the project at `root`, sorted by name. Throws an Error that names the file if a
 * header line is missing or malformed.
 */
export function readMutants(root: string): Mutant[] {
  const folder = join(root, 'test/mutants');
  return readdirSync(folder)
    .filter((file) => file.endsWith('.patch'))
    .toSorted()
    .map((file) => parseMutant(join(folder, file)));
}

function parseMutant(file: string): Mutant {
  const text = readFileSync(file, 'utf8');
  const header = text.split(/^(?:diff --git|--- )/m)[0] ?? '';
  const changesDatabase =
    /^\+\+\+ b\/(?:src\/db\/|src\/(?:surfaces\/slack\/)?jobs\/[\w-]+\.ts|.*tables\.ts)/m.test(text);
  const [, breaks] = /^Breaks: (\S.*)$/m.exec(header) ?? [];
  if (breaks === undefined) throw new Error(`${file}: the line "Breaks: <what no longer holds>" is missing`);
  const killedBy = [...header.matchAll(/^Killed by: (.*)$/gm)].map(([, named = '']) => {
    const [, testFile, name] = /^(test\/\S+\.test\.ts) > (\S.*)$/.exec(named) ?? [];
    if (testFile === undefined || name === undefined)
      throw new Error(`${file}: "Killed by: ${named}" is not "Killed by: test/….test.ts > name of the test"`);
    return { file: testFile, name };
  });
  if (killedBy.length === 0) throw new Error(`${file}: the line "Killed by: <file> > <test>" is missing`);
  return { name: basename(file, '.patch'), file, breaks, changesDatabase, killedBy };
}

/** The rows of docs/laws.md that a mutant breaks: `law 2`, `T17`. */
export function rowsOf(mutant: Mutant): string[] {
  return [...mutant.breaks.split(':')[0]!.matchAll(/\b(?:law \d+|T\d+)\b/g)].map(([row]) => row);
}
