import { momentOf } from './dates.ts';
import { html, type Html, type Part } from './html.ts';

/** Names for ids, so that mentions read as names. */
export interface Names {
  user(id: string): string;
  channel(id: string): string;
  group(id: string): string;
}

const ENTITY = /<([^<>]*)>/;
const STYLES = [
  [/```([\s\S]+?)```/, (text: string): Part => html`<pre>${text}</pre>`],
  [/`([^`\n]+)`/, (text: string): Part => html`<code>${text}</code>`],
] as const;
const INLINE = [
  [/(?<![\w*])\*(\S(?:[^*\n]*\S)?)\*(?![\w*])/, (inner: Part): Html => html`<strong>${inner}</strong>`],
  [/(?<![\w_])_(\S(?:[^_\n]*\S)?)_(?![\w_])/, (inner: Part): Html => html`<em>${inner}</em>`],
  [/(?<![\w~])~(\S(?:[^~\n]*\S)?)~(?![\w~])/, (inner: Part): Html => html`<s>${inner}</s>`],
] as const;

const unescaped = (text: string): string =>
  text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');

/** A mention as people see it. */
export const mention = (name: string): Html => html`<span class="mention">${name}</span>`;

/** A link; other protocols than http(s) and mailto stay text. */
export function link(target: string, words: string): Part {
  const safe = URL.canParse(target) && ['http:', 'https:', 'mailto:'].includes(new URL(target).protocol);
  return safe ? html`<a href="${target}" rel="noreferrer noopener" target="_blank">${words}</a>` : words;
}

function entity(inside: string, names: Names): Part {
  const [target = '', ...label] = inside.split('|');
  const words = label.join('|');
  if (target.startsWith('@')) return mention(`@${names.user(target.slice(1))}`);
  if (target.startsWith('#')) return mention(`#${names.channel(target.slice(1))}`);
  if (target.startsWith('!subteam^')) return mention(`@${names.group(target.slice(9))}`);
  if (target.startsWith('!date^')) {
    const [, seconds = '0', format = ''] = target.split('^');
    return /^\d{1,12}$/.test(seconds) ? momentOf(Number(seconds), format) : words;
  }
  if (target.startsWith('!')) return mention(`@${target.slice(1)}`);
  return link(unescaped(target), unescaped(words === '' ? target.replace(/^mailto:/, '') : words));
}

function split(
  text: string,
  pattern: RegExp,
  middle: (inner: string) => Part,
  rest: (text: string) => Part,
): Part | null {
  const found = pattern.exec(text);
  if (found === null) return null;
  const [whole, inner = ''] = found;
  return [rest(text.slice(0, found.index)), middle(inner), rest(text.slice(found.index + whole.length))];
}

/** Slack's markup as HTML: code, emphasis, mentions, links, dates, quotes. Escapes everything else. */
export function mrkdwn(text: string, names: Names): Part {
  const again = (part: string): Part => mrkdwn(part, names);
  if (text === '') return '';
  for (const [pattern, draw] of STYLES) {
    const parts = split(text, pattern, (inner) => draw(unescaped(inner)), again);
    if (parts !== null) return parts;
  }
  const quoted = split(
    text,
    /(?:^|(?<=\n))&gt; ?([^\n]*)(?:\n|$)/,
    (inner) => html`<blockquote>${again(inner)}</blockquote>`,
    again,
  );
  if (quoted !== null) return quoted;
  for (const [pattern, draw] of INLINE) {
    const parts = split(text, pattern, (inner) => draw(again(inner)), again);
    if (parts !== null) return parts;
  }
  return split(text, ENTITY, (inner) => entity(inner, names), again) ?? unescaped(text);
}
