import type {
  Button,
  ContextBlock,
  HeaderBlock,
  KnownBlock,
  PlainTextElement,
  RichTextBlock,
  RichTextElement,
} from '@slack/types';
import { escapeMrkdwn, pieces, safeText, shortened } from './text.ts';

/** A message as it is posted: `text` is what notifications and screen readers say. */
export interface Message {
  readonly text: string;
  readonly blocks: KnownBlock[];
}

export const plain = (text: string, max = 3000): PlainTextElement => ({
  type: 'plain_text',
  text: shortened(safeText(text).trim() || ' ', max, '…'),
  emoji: false,
});

export const header = (text: string): HeaderBlock => ({ type: 'header', text: plain(text, 150) });

/** A literal text: nothing in it becomes a mention, a link or an emoji. */
export const words = (
  text: string,
  style: { bold?: true; italic?: true; code?: true } = {},
): RichTextElement => ({
  type: 'text',
  text: shortened(safeText(text) || ' ', 2900),
  ...(Object.keys(style).length === 0 ? {} : { style }),
});

/** A moment, shown in the reader's own time zone. */
export const moment = (at: Date): RichTextElement => ({
  type: 'date',
  timestamp: Math.floor(at.getTime() / 1000),
  format: '{date_short_pretty} {time}',
  fallback: at.toISOString().slice(0, 16).replace('T', ' ') + ' UTC',
});

export const line = (...elements: RichTextElement[]): RichTextBlock => ({
  type: 'rich_text',
  elements: [{ type: 'rich_text_section', elements }],
});

/** "Label: value" lines, in one section: how Slack parts sections is its own affair. */
export const facts = (
  pairs: readonly (readonly [label: string, value: readonly RichTextElement[]])[],
): RichTextBlock =>
  line(
    ...pairs.flatMap(([label, value], index) => [
      words(`${index === 0 ? '' : '\n'}${label}: `, { bold: true }),
      ...value,
    ]),
  );

/** Somebody's own words, literally. */
export const quote = (text: string): RichTextBlock => ({
  type: 'rich_text',
  elements: [{ type: 'rich_text_quote', elements: [words(text)] }],
});

/** A text in fixed width, literally, and in as many blocks as it takes; the caller bounds the text. */
export const preformatted = (text: string): RichTextBlock[] =>
  pieces(safeText(text), 2900).map((piece) => ({
    type: 'rich_text',
    elements: [{ type: 'rich_text_preformatted', elements: [{ type: 'text', text: piece }] }],
  }));

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
export const smallPrint = (...lines: string[]): ContextBlock => ({
  type: 'context',
  elements: lines.slice(0, 10).map((text) => plain(text, 1000)),
});

/** A button whose `value` is an opaque id and nothing that anybody believes. */
export const button = (
  text: string,
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
export const linkButton = (
  text: string,
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
export const notice = (text: string, ...buttons: Button[]): Message => ({
  text: shortened(escapeMrkdwn(text), 2900, '…'),
  blocks: [line(words(text)), ...(buttons.length === 0 ? [] : [actions(...buttons)])],
});
