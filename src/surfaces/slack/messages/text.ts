import { oneLine } from '#lib/sanitise.ts';

declare const ESCAPED: unique symbol;

/** A text for a place that Slack parses. Nothing from outside becomes a mention or a link in it. */
export type Mrkdwn = string & { readonly [ESCAPED]: true };

/**
 * At most `max` UTF-16 units (Slack's measure), cut between characters, and says so: nothing is hidden
 * silently.
 */
export function shortened<T extends string>(text: T, max: number, mark = '… (full text in Details)'): T {
  if (text.length <= max) return text;
  let cut = '';
  for (const character of text) {
    if (cut.length + character.length + mark.length > max) break;
    cut += character;
  }
  return (cut + mark) as T;
}

/** A text in pieces of at most `max` UTF-16 units, cut between characters. */
export function pieces(text: string, max: number): string[] {
  const all: string[] = [];
  let piece = '';
  for (const character of text) {
    if (piece.length + character.length > max) {
      all.push(piece);
      piece = '';
    }
    piece += character;
  }
  return piece === '' ? all : [...all, piece];
}

/**
 * Words for a message's `text`, which Slack parses for mentions and links also where blocks are shown:
 * nothing in it becomes one.
 */
export const escapeMrkdwn = (text: string): Mrkdwn =>
  oneLine(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;') as Mrkdwn;

/** Template tag for a text that Slack parses, of our own words and of texts that are escaped already. */
export const mrkdwn = (strings: TemplateStringsArray, ...values: readonly Mrkdwn[]): Mrkdwn =>
  strings.map((text, index) => text + (values[index] ?? '')).join('') as Mrkdwn;

/**
 * The `text` of a message, of words in which nothing becomes a mention or a link; at most 2800 of their
 * characters. `markup` is ours, and Slack parses it.
 */
export const topText = (words: string, markup: Mrkdwn | '' = ''): Mrkdwn =>
  `${escapeMrkdwn(shortened(oneLine(words), 2800, '…'))}${markup}` as Mrkdwn;

/**
 * A summary of what is asked, in the middle of a sentence: "Reset password for Ann Lee" is "reset Ann Lee's
 * password", "Suspend Ann Lee" only begins small.
 */
export function inSentence(summary: string): string {
  const [, noun, name] = /^Reset (\w+) for ([^,]+)$/.exec(summary) ?? [];
  if (noun !== undefined && name !== undefined)
    return `reset ${name}'${name.endsWith('s') ? '' : 's'} ${noun}`;
  return /^[A-Z][a-z]/.test(summary) ? `${summary.charAt(0).toLowerCase()}${summary.slice(1)}` : summary;
}
