/** Controls that reorder what is read (Unicode bidirectional controls), and others that show nothing. */
const INVISIBLE = /[\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u0000-\u0008\u000b-\u001f\u007f]/g;

/**
 * A text of somebody else's as it may be shown: without controls that make it read as something else. It still belongs into
 * plain_text or a rich_text text node only, where nothing in it becomes a mention or a link.
 */
export const safeText = (text: string): string => text.replace(INVISIBLE, '').trim();

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

/** A text of ours with other people's words in it, for `mrkdwn`: only `&`, `<` and `>` mean anything to Slack's parser of links. */
export const escapeMrkdwn = (text: string): string => safeText(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
