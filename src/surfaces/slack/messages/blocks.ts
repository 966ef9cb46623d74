import type {
  Button,
  ContextBlock,
  HeaderBlock,
  KnownBlock,
  PlainTextElement,
  RichTextBlock,
  RichTextElement,
} from '@slack/types';
import { oneLine, sanitiseText, say, type Line, type Ours } from '#lib/sanitise.ts';
import { pieces, shortened, topText, type Mrkdwn } from './text.ts';

/** A message as it is posted: `text` is what notifications and screen readers say. */
export interface Message {
  readonly text: Mrkdwn;
  readonly blocks: KnownBlock[];
}

/**
 * One line of plain text. What comes from outside is made one with `oneLine` or `say` first; it is made so
 * here once more.
 */
export const plain = <T extends string>(text: Ours<T>, max = 3000): PlainTextElement => ({
  type: 'plain_text',
  text: shortened(oneLine(text).trim() || ' ', max, '…'),
  emoji: false,
});

export const header = <T extends string>(text: Ours<T>): HeaderBlock => ({
  type: 'header',
  text: plain(text, 150),
});

/** A literal text: nothing in it becomes a mention, a link or an emoji. */
export const words = <T extends string>(
  text: Ours<T>,
  style: { bold?: true; italic?: true; code?: true } = {},
): RichTextElement => ({
  type: 'text',
  text: shortened(oneLine(text) || ' ', 2900),
  ...(Object.keys(style).length === 0 ? {} : { style }),
});

/** How Slack writes a moment in the reader's own time zone: "today 4:30 PM", "Dec 1, 2026 10:14 AM". */
const MOMENT = '{date_short_pretty} {time}';

/** For a client that cannot draw it: with its zone. */
const inUtc = (at: Date): string => `${at.toISOString().slice(0, 16).replace('T', ' ')} UTC`;

const secondsOf = (at: Date): number => Math.floor(at.getTime() / 1000);

/** A moment, shown in the reader's own time zone. */
export const moment = (at: Date): RichTextElement => ({
  type: 'date',
  timestamp: secondsOf(at),
  format: MOMENT,
  fallback: inUtc(at),
});

/**
 * The same in a message's `text`, which is markup: it stands beside escaped words, and is never escaped
 * itself.
 */
export const momentText = (at: Date): Mrkdwn => `<!date^${secondsOf(at)}^${MOMENT}|${inUtc(at)}>` as Mrkdwn;

/** A Slack account that is notified of this. */
export const mention = (account: string): RichTextElement => ({ type: 'user', user_id: account });

export const line = (...elements: RichTextElement[]): RichTextBlock => ({
  type: 'rich_text',
  elements: [{ type: 'rich_text_section', elements }],
});

/** A label with its value. */
export type MessageField = readonly [label: Line, value: readonly RichTextElement[]];

export const labelled = <T extends string>(
  label: Ours<T>,
  value: readonly RichTextElement[],
): MessageField => [oneLine(label), value];

/** "Label: value" lines, in one section: how Slack parts sections is its own affair. */
export const fieldLines = (pairs: readonly MessageField[]): RichTextBlock =>
  line(
    ...pairs.flatMap(([label, value], index) => [
      ...(index === 0 ? [] : [NEXT_LINE]),
      words(say`${label}: `, { bold: true }),
      ...value,
    ]),
  );

/** The one place where a line ends within a section. */
const NEXT_LINE: RichTextElement = { type: 'text', text: '\n' };

/** Somebody's own words, literally, on one line. */
export const quote = (text: string): RichTextBlock => ({
  type: 'rich_text',
  elements: [{ type: 'rich_text_quote', elements: [words(oneLine(text))] }],
});

/** Lines in fixed width, literally, and in as many blocks as it takes; `max` is how much of them is shown. */
export const preformatted = (lines: readonly Line[], max = Number.POSITIVE_INFINITY): RichTextBlock[] =>
  pieces(shortened(lines.join('\n'), max, '\n… (full text in Details)'), 2900).map((piece) => ({
    type: 'rich_text',
    elements: [{ type: 'rich_text_preformatted', elements: [{ type: 'text', text: piece }] }],
  }));

/**
 * A text of several lines, whole and literal, in as many blocks as it takes; parted between lines, where a
 * line is not too long by itself.
 */
export function textBlocks(text: string): RichTextBlock[] {
  const parts: string[] = [];
  for (const each of text
    .split('\n')
    .flatMap((one) => (one === '' ? [''] : pieces(sanitiseText(one), MAX_PIECE)))) {
    const last = parts.at(-1);
    if (last !== undefined && last.length + each.length < MAX_PIECE)
      parts[parts.length - 1] = `${last}\n${each}`;
    else parts.push(each);
  }
  return parts
    .filter((part) => part.trim() !== '')
    .map((part) => ({
      type: 'rich_text',
      elements: [{ type: 'rich_text_preformatted', elements: [{ type: 'text', text: part }] }],
    }));
}

/** The most characters of one piece of a long text. */
const MAX_PIECE = 2900;

export const bullets = (items: readonly (readonly RichTextElement[])[]): RichTextBlock => ({
  type: 'rich_text',
  elements: [
    {
      type: 'rich_text_list',
      style: 'bullet',
      elements: items.map((elements) => ({ type: 'rich_text_section', elements: [...elements] })),
    },
  ],
});

/** Small print: literal, like everything that may hold a name. */
export const smallPrint = (...lines: Line[]): ContextBlock => ({
  type: 'context',
  elements: lines.slice(0, 10).map((text) => plain(text, 1000)),
});

/** A button whose `value` is an opaque id and nothing that anybody believes. */
export const button = <T extends string>(
  text: Ours<T>,
  actionId: string,
  value: string,
  style?: 'primary' | 'danger',
): Button => ({
  type: 'button',
  text: plain(text, 75),
  action_id: actionId,
  value,
  ...(style === undefined ? {} : { style }),
});

/** A button that opens a page of ours; Slack tells us of the click as of any other. */
export const linkButton = <T extends string>(
  text: Ours<T>,
  actionId: string,
  value: string,
  url: string,
  style: 'primary' | 'danger' = 'primary',
): Button => ({
  ...button(text, actionId, value, style),
  url,
});

export const actions = (...elements: Button[]): KnownBlock => ({ type: 'actions', elements });

/** A short notice: one sentence, perhaps with buttons. */
export const notice = <T extends string>(text: Ours<T>, ...buttons: Button[]): Message => ({
  text: topText(text),
  blocks: [line(words(text)), ...(buttons.length === 0 ? [] : [actions(...buttons)])],
});
