/** The longest command that is taken apart; beyond it the form is better, and work stays small. */
export const MAX_LINE = 2000;

/**
 * What one piece of a command can be. Labels inside entities are never looked at: whoever types chooses them.
 */
export type Value =
  | { readonly kind: 'user'; readonly id: string }
  | { readonly kind: 'channel'; readonly id: string }
  | { readonly kind: 'group'; readonly id: string }
  | { readonly kind: 'email'; readonly email: string }
  | { readonly kind: 'link'; readonly url: string }
  | { readonly kind: 'quoted'; readonly text: string }
  | { readonly kind: 'word'; readonly text: string };

export type Token = Value | { readonly kind: 'option'; readonly key: string; readonly value: Value };

/** What cannot be taken apart without guessing. */
export type LexicalError = 'too_long' | 'unclosed_quote' | 'broadcast';

/** Double quotation marks of any language, each of which closes any other: phones and editors mix them. */
const DOUBLE = '"“”„«»';
/**
 * Single ones and brackets, by what opens them. A single one closes at the end of a word only: it is an
 * apostrophe too.
 */
const CLOSING: Readonly<Record<string, string>> = {
  "'": "'’‘",
  '‘': "'’‘",
  '’': "'’‘",
  '‚': "'’‘",
  '「': '」',
  '『': '』',
};
const APOSTROPHES = "'‘’‚";
/** `name=value`, `--name=value`, `--name value`; a phone writes a dash for the two signs. */
const OPTION = /^(?:(?:--|—|–)?([a-z][a-z0-9_-]{0,40})=|(?:--|—|–)([a-z][a-z0-9_-]{0,40})\s+(?=\S))/i;
const EMAIL = /^[\x21-\x7e]+@[a-z0-9.-]+\.[a-z]{2,}$/i;

/**
 * Takes a command's text apart, as Slack sends it with `should_escape` (research/slack.md, section 5):
 * entities, quoted texts in any quotation marks, `key=value`, words. Runs in time linear in the text. Says
 * nothing of what the pieces mean.
 */
export function tokenize(line: string): readonly Token[] | LexicalError {
  if (line.length > MAX_LINE) return 'too_long';
  const text = line.replace(/[\u200b-\u200d\u2060\ufeff]/g, '').replace(/[\u00a0\u202f]/g, ' ');
  const tokens: Token[] = [];
  let at = skipSpace(text, 0);
  while (at < text.length) {
    const option = OPTION.exec(text.slice(at, at + 45));
    const start = option === null ? at : at + option[0].length;
    const found = value(text, start);
    if (typeof found === 'string') return found;
    const key = (option?.[1] ?? option?.[2])?.toLowerCase().replaceAll('-', '_');
    tokens.push(key === undefined ? found.value : { kind: 'option', key, value: found.value });
    at = skipSpace(text, found.end);
  }
  return tokens;
}

type Found = { readonly value: Value; readonly end: number } | LexicalError;

function value(text: string, start: number): Found {
  const first = text.charAt(start);
  if (first === '<') return entity(text, start);
  if (first !== '' && DOUBLE.includes(first)) return readQuoted(text, start, DOUBLE);
  const closing = CLOSING[first];
  if (closing === undefined) return word(text, start);
  const found = readQuoted(text, start, closing, APOSTROPHES.includes(first));
  // An apostrophe that nothing closes begins a word: 'twas.
  return found === 'unclosed_quote' && APOSTROPHES.includes(first) ? word(text, start) : found;
}

function word(text: string, start: number): Found {
  let end = start;
  while (end < text.length && !isSpace(text.charAt(end))) end += 1;
  const plain = unescape(text.slice(start, end));
  return {
    value: EMAIL.test(plain) ? { kind: 'email', email: plain.toLowerCase() } : { kind: 'word', text: plain },
    end,
  };
}

function readQuoted(text: string, start: number, closing: string, atWordEnd = false): Found {
  let end = start + 1;
  const closes = (at: number): boolean =>
    closing.includes(text.charAt(at)) &&
    (!atWordEnd || at + 1 === text.length || isSpace(text.charAt(at + 1)));
  while (end < text.length && !closes(end)) end += 1;
  if (end >= text.length) return 'unclosed_quote';
  return {
    value: { kind: 'quoted', text: unescape(plainEntities(text.slice(start + 1, end))).trim() },
    end: end + 1,
  };
}

const ENTITIES: readonly (readonly [RegExp, (id: string) => Value])[] = [
  [/^@([UW][A-Z0-9]{2,})$/, (id) => ({ kind: 'user', id })],
  [/^#([CGD][A-Z0-9]{2,})$/, (id) => ({ kind: 'channel', id })],
  [/^!subteam\^(S[A-Z0-9]{2,})$/, (id) => ({ kind: 'group', id })],
  [/^mailto:([\x21-\x7e]+@[\x21-\x7e]+)$/, (email) => ({ kind: 'email', email: email.toLowerCase() })],
  [/^(https?:\/\/.+)$/, (url) => ({ kind: 'link', url: unescape(url) })],
];

function entity(text: string, start: number): Found {
  const close = text.indexOf('>', start);
  if (close < 0) return word(text, start);
  const end = close + 1;
  const [target = ''] = text.slice(start + 1, close).split('|');
  for (const [form, make] of ENTITIES) {
    const match = form.exec(target);
    if (match?.[1] !== undefined) return { value: make(match[1]), end };
  }
  if (target.startsWith('!')) return 'broadcast';
  return { value: { kind: 'word', text: unescape(text.slice(start, end)) }, end };
}

/** Entities inside a quotation as the words that they stand for: a quotation is text, and means nobody. */
const plainEntities = (text: string): string =>
  text.replace(/<([^<>]*)>/g, (_, inner: string) => {
    const [target = '', label] = inner.split('|');
    const mark = /^[@#]/.exec(target)?.[0] ?? '';
    return label === undefined
      ? target.replace(/^mailto:/, '')
      : `${label.startsWith('@') ? '' : mark}${label}`;
  });

const ESCAPES: Readonly<Record<string, string>> = { '&amp;': '&', '&lt;': '<', '&gt;': '>' };
const unescape = (text: string): string =>
  text.replace(/&(?:amp|lt|gt);/g, (escape) => ESCAPES[escape] ?? escape);
const isSpace = (character: string): boolean => /\s/.test(character);

function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && isSpace(text.charAt(at))) at += 1;
  return at;
}
