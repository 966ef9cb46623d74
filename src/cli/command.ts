import { parseArgs, type ParseArgsConfig } from 'node:util';
import { sanitiseText } from '#lib/sanitise.ts';

/** Where a command writes, and the environment it was started with. */
export interface Terminal {
  /** The answer: what a script reads. */
  readonly out: (text: string) => void;
  /** Everything that is said beside the answer. */
  readonly err: (text: string) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether `out` is shown at once, and not read by a script; left out: it is read. */
  readonly outIsShown?: boolean;
}

/**
 * The same terminal, which shows no control characters, and nothing else that is invisible: what others
 * wrote (a policy, a name, an error) must not move the cursor, set a title or hide a word. A script, which
 * reads `out` from a pipe or a file, gets it as it is.
 */
export const cleaned = (terminal: Terminal): Terminal => ({
  ...terminal,
  out: terminal.outIsShown === true ? (text) => terminal.out(sanitiseText(text)) : terminal.out,
  err: (text) => terminal.err(sanitiseText(text)),
});

/** One command of the program. */
export interface Command {
  /** Its words, with spaces between: `agent key`. */
  readonly name: string;
  /** What follows the name in the usage line. */
  readonly usage: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** Everything else, for `--help`. Ends with a line break. */
  readonly help: string;
  /**
   * Runs it; the answer is the exit code. Throws Unusable for wrong arguments, and ProkuraError where a
   * server refuses.
   */
  readonly run: (args: readonly string[], terminal: Terminal) => number | Promise<number>;
}

/** Wrong arguments, or a file that cannot be used: exit code 2. The message says which, and what to do. */
export class Unusable extends Error {}

/**
 * The options and other arguments of a command. Throws Unusable for an option that it does not have, or that
 * lacks its value.
 */
export function argumentsOf<T extends NonNullable<ParseArgsConfig['options']>>(
  command: string,
  args: readonly string[],
  options: T,
) {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, strict: true, options });
  } catch (error) {
    // Node's message goes on, in a second sentence, about arguments that begin with a dash.
    const [first = ''] = wordsOf(error).split(/\. To specify|\n/);
    throw new Unusable(`${first.replace(/\.$/, '')}. Run: prokura ${command} --help`);
  }
}

/** What an error says of itself. */
export const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Why a file cannot be read. */
export const whyUnread = (error: unknown): string =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT'
    ? 'there is no such file'
    : wordsOf(error);
