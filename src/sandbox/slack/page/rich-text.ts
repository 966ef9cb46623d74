import type {
  RichTextBlock,
  RichTextBlockElement,
  RichTextElement,
  RichTextLink,
  RichTextText,
} from '@slack/types';
import { html, type Part } from './html.ts';
import { momentOf } from './dates.ts';
import { link, mention, type Names } from './mrkdwn.ts';

type Leaf = RichTextElement | RichTextText | RichTextLink;
type Drawers<T extends { type: string }> = {
  readonly [K in T['type']]: (node: Extract<T, { type: K }>, names: Names) => Part;
};

const LEAVES: Drawers<RichTextElement> = {
  text: (leaf) => leaf.text,
  link: (leaf) => link(leaf.url, leaf.text ?? leaf.url),
  user: (leaf, names) => mention(`@${names.user(leaf.user_id)}`),
  channel: (leaf, names) => mention(`#${names.channel(leaf.channel_id)}`),
  usergroup: (leaf, names) => mention(`@${names.group(leaf.usergroup_id)}`),
  broadcast: (leaf) => mention(`@${leaf.range}`),
  date: (leaf) => momentOf(leaf.timestamp, leaf.format),
  emoji: (leaf) => `:${leaf.name}:`,
  color: (leaf) => leaf.value,
  team: (leaf) => leaf.team_id,
};

function styled(leaf: Leaf, names: Names): Part {
  let part = (LEAVES[leaf.type] as (node: Leaf, names: Names) => Part)(leaf, names);
  const style = leaf.style ?? {};
  if ('code' in style && style.code) part = html`<code>${part}</code>`;
  if (style.bold === true) part = html`<strong>${part}</strong>`;
  if (style.italic === true) part = html`<em>${part}</em>`;
  if (style.strike === true) part = html`<s>${part}</s>`;
  return part;
}

const line = (leaves: readonly Leaf[], names: Names): Part => leaves.map((leaf) => styled(leaf, names));

const ELEMENTS: Drawers<RichTextBlockElement> = {
  rich_text_section: (one, names) => html`<p>${line(one.elements, names)}</p>`,
  rich_text_quote: (one, names) => html`<blockquote>${line(one.elements, names)}</blockquote>`,
  rich_text_preformatted: (one, names) => html`<pre>${line(one.elements, names)}</pre>`,
  rich_text_list: (one, names) => {
    const items = one.elements.map((item) => html`<li>${line(item.elements, names)}</li>`);
    return one.style === 'ordered'
      ? html`<ol>
          ${items}
        </ol>`
      : html`<ul>
          ${items}
        </ul>`;
  },
};

/** A rich_text block as HTML. */
export function richText(block: RichTextBlock, names: Names): Part {
  return block.elements.map((one) =>
    (ELEMENTS[one.type] as (node: RichTextBlockElement, names: Names) => Part)(one, names),
  );
}
