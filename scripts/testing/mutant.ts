import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/**
 * One deliberate fault of the product, as `test/mutants/<name>.patch`: two kinds of header lines, then a patch for `git apply` at the root.
 *
 *     Breaks: law 2: an execution no longer waits for somebody who is leaving
 *     Killed by: test/surfaces/law-leaving.test.ts > law 2: an execution that begins while the principal departs does nothing
 */
export interface Mutant {
  readonly name: string;
  readonly file: string;
  /** What no longer holds. It begins with the row of docs/laws.md where there is one: `law 2: …`, `T17: …`. */
  readonly breaks: string;
  /** Whether it changes how the database is made: then its tests need one of their own. */
  readonly changesDatabase: boolean;
  /** Every one of these tests must fail: the file, and its name (groups and title with spaces between) or a part of it. */
  readonly killedBy: readonly { readonly file: string; readonly name: string }[];
}

/** Reads every mutant of the project at `root`, by name. Throws an Error that names the file where a header line is missing or malformed. */
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
  const changesDatabase = /^\+\+\+ b\/(?:src\/db\/|src\/queues|.*tables\.ts)/m.test(text);
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
