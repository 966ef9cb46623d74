/** Controls that reorder what is read (Unicode bidirectional controls), and others that show nothing. */
const INVISIBLE = /\p{Cf}|(?![\n\t])\p{Cc}/gu;

/**
 * A text of somebody else's as it may be shown: without controls that make it read as something else. It still belongs into
 * plain_text or a rich_text text node only, where nothing in it becomes a mention or a link.
 */
export const safeText = (text: string): string => text.replace(INVISIBLE, '');

/** At most `max` UTF-16 units (Slack's measure), cut between characters, and says so: nothing is hidden silently. */
export function shortened(text: string, max: number, mark = '… (full text in Details)'): string {
  if (text.length <= max) return text;
  let cut = '';
  for (const character of text) {
    if (cut.length + character.length + mark.length > max) break;
    cut += character;
  }
  return cut + mark;
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

/** Words for a message's `text`, which Slack parses for mentions and links also where blocks are shown: nothing in it becomes one. */
export const escapeMrkdwn = (text: string): string =>
  safeText(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
