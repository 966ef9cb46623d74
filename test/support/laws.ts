import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

/** A row of docs/laws.md: a law or a threat, and the tests that hold it. */
export interface LawRow {
  /** `law 2` or `T17`. */
  readonly name: string;
  /** A title may be that of a group of tests. `%s` in it stands for several titles. */
  readonly tests: readonly { readonly file: string; readonly title: string }[];
}

/** The rows of docs/laws.md, in order. Throws an Error if a cell names no test. */
export function lawRows(): LawRow[] {
  const text = readFileSync(resolve(import.meta.dirname, '../../docs/laws.md'), 'utf8');
  return [...text.matchAll(/^\| (T?)(\d+) \| [^|]+ \| (.+) \|$/gm)].map(
    ([, threat = '', number = '', cell = '']) => {
      const name = threat === '' ? `law ${number}` : `T${number}`;
      const tests = cell.split('<br>').map((one) => {
        const [, file, title] = /^`(test\/[\w/.-]+\.test\.ts)` (.+)$/.exec(one) ?? [];
        if (file === undefined || title === undefined) throw new Error(`${name}: ${one}`);
        return { file, title };
      });
      return { name, tests };
    },
  );
}
