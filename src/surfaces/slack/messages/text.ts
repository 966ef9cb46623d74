import { oneLine } from '#lib/sanitise.ts';

/** At most `max` UTF-16 units (Slack's measure), cut between characters, and says so: nothing is hidden silently. */
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

/** Words in which Slack finds no mention and no link. */
export const escapeMrkdwn = (text: string): string =>
  oneLine(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

declare const TOP: unique symbol;

/** A message's `text`. A string alone does not compile: it may hold a mention that somebody typed. */
export type TopText = string & { readonly [TOP]: true };

/**
 * The `text` of a message, which Slack parses for mentions and links also where blocks are shown: nothing in these words becomes one, and there
 * are at most 2800 of their characters. `markup` is ours, and Slack parses it.
 */
export const topText = (words: string, markup = ''): TopText =>
  `${escapeMrkdwn(shortened(oneLine(words), 2800, '…'))}${markup}` as TopText;

/** A summary of what is asked, in the middle of a sentence: "Reset password for Ann Lee" is "reset Ann Lee's password", "Suspend Ann Lee" only begins small. */
export function inSentence(summary: string): string {
  const [, noun, name] = /^Reset (\w+) for ([^,]+)$/.exec(summary) ?? [];
  if (noun !== undefined && name !== undefined)
    return `reset ${name}'${name.endsWith('s') ? '' : 's'} ${noun}`;
  return /^[A-Z][a-z]/.test(summary) ? `${summary.charAt(0).toLowerCase()}${summary.slice(1)}` : summary;
}
