import { boolean, byType, integer, list, matching, object, string, url, word, type Check } from './shape.ts';

const style = object({
  optional: {
    bold: boolean,
    italic: boolean,
    strike: boolean,
    code: boolean,
    underline: boolean,
    highlight: boolean,
    client_highlight: boolean,
    unlink: boolean,
  },
});

const leaf = (required: Record<string, Check>, optional: Record<string, Check> = {}): Check =>
  object({ required, optional: { style, ...optional } });

const text = leaf({ text: string(3000) });
const link = leaf(
  { url: url(3000, ['http:', 'https:', 'mailto:', 'tel:', 'slack:']) },
  { text: string(3000, 0), unsafe: boolean },
);

/**
 * What a line of rich text is made of. A `text` node is literal: nothing in it becomes a mention or a link.
 */
const inline = byType({
  text,
  link,
  broadcast: leaf({ range: word('here', 'channel', 'everyone') }),
  color: leaf({ value: matching(/^#[0-9a-f]{6}$/i, 'color') }),
  channel: leaf({ channel_id: matching(/^[CGD][A-Z0-9]+$/, 'channel id') }),
  date: leaf({ timestamp: integer(0), format: string(255) }, { url: url(), fallback: string(255) }),
  emoji: leaf({ name: string(100) }, { unicode: string(100), url: url(), skin_tone: integer(1, 6) }),
  team: leaf({ team_id: matching(/^T[A-Z0-9]+$/, 'team id') }),
  user: leaf({ user_id: matching(/^[UW][A-Z0-9]+$/, 'user id') }),
  usergroup: leaf({ usergroup_id: matching(/^S[A-Z0-9]+$/, 'usergroup id') }),
});

const MANY = 1000;
const section = object({ required: { elements: list(inline, MANY, 0) } });
const border = { border: integer(0, 1) };

/** The body of a rich_text block: sections, lists of sections, quotes and preformatted text. */
export const richText: Check = object({
  required: {
    elements: list(
      byType({
        rich_text_section: section,
        rich_text_list: object({
          required: {
            elements: list(byType({ rich_text_section: section }), MANY),
            style: word('bullet', 'ordered'),
          },
          optional: { indent: integer(0, 8), offset: integer(0), ...border },
        }),
        rich_text_quote: object({ required: { elements: list(inline, MANY, 0) }, optional: border }),
        rich_text_preformatted: object({
          required: { elements: list(byType({ text, link }), MANY, 0) },
          optional: { ...border, language: string(50) },
        }),
      }),
      MANY,
    ),
  },
  optional: { block_id: string(255) },
});

/** A rich_text block inside something else (a table's cell, a task's details). */
export const richTextBlock: Check = byType({ rich_text: richText });
