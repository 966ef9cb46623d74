/**
 * Characters that a person does not see but a model reads: controls (except tab and line feed), soft hyphen,
 * combining grapheme joiner, fillers, zero-width and bidirectional controls, invisible operators, variation
 * selectors, interlinear annotations, tags. Sources: Unicode 17 `Default_Ignorable_Code_Point`; UTR #36
 * section 2.5 (bidirectional spoofing).
 */
const INVISIBLE =
  // oxlint-disable-next-line no-control-regex, no-misleading-character-class -- these characters are what it is about
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]/gu;

/**
 * Characters that break a line for some reader (UAX #14 classes BK, CR, LF, NL; tab; the information
 * separators, which terminals and old printers treat as line breaks), and spaces of every width, because many
 * of them in a row look like the beginning of another line. The blank Braille pattern and the Hangul fillers
 * are also shown as spaces.
 */
// oxlint-disable-next-line no-control-regex -- these characters are what it is about
const BLANKS = /[\t\n\u000b\f\r\u001c-\u001f\u0085\p{Z}\u2800\u3164\uffa0\u115f\u1160]+/gu;

declare const ONE_LINE: unique symbol;

/**
 * A text in one line. It can be shown beside our own words and never starts a line of its own. Only `oneLine`
 * and `say` create one.
 */
export type Line = string & { readonly [ONE_LINE]: true };

/**
 * The type of a parameter that is shown: words that stand in the source, or a `Line`. Any other string does
 * not compile, so a text from outside goes through `oneLine` or `say` first.
 */
export type Ours<T extends string> = {} extends Record<T, 1> ? Line : T;

/**
 * The text as one line, well-formed and without invisible characters. Each run of line breaks, tabs and
 * spaces becomes one space; spaces at the ends stay (one each). For names, purposes and everything else from
 * outside, where it enters and where it is shown. Does not make a text trustworthy, and does not escape
 * markup.
 */
export function oneLine(text: string): Line {
  return sanitiseText(text.replace(BLANKS, ' ')).replace(/ {2,}/g, ' ') as Line;
}

/** Whether the text is one line already, is not empty, and hides nothing. */
export const isOneLine = (text: string): boolean => text !== '' && text === oneLine(text).trim();

/** Template tag for our own sentences. Makes every value one line. */
export const say = (strings: TemplateStringsArray, ...values: readonly (string | number)[]): Line =>
  strings.map((text, index) => text + oneLine(String(values[index] ?? ''))).join('') as Line;

/**
 * A text of several lines that is shown among lines of ours, such as a policy. Each line after the first is
 * marked, so that none of them looks like a line of ours.
 */
export const markedLines = (text: string): Line[] =>
  text
    .split(/\r\n|[\n\r\v\f\u0085\u2028\u2029]/u)
    .map((part, index) => (index === 0 ? oneLine(part) : (`  | ${sanitiseText(part)}` as Line)));

/**
 * The text without invisible characters and well-formed (a lone surrogate becomes U+FFFD). For text from a
 * directory or a requester that is shown to models. It removes the joiners of some scripts, so the result is
 * for reading and never for comparing. Does not escape markup, and does not make a text trustworthy: it must
 * still be kept in a data field, apart from instructions.
 */
export function sanitiseText(text: string): string {
  return text.toWellFormed().replace(INVISIBLE, '');
}

/** The same JSON value with `sanitiseText` applied to every string in it, including member names. */
export function sanitiseData<T>(value: T): T {
  return cleanValue(value) as T;
}

function cleanValue(value: unknown): unknown {
  if (typeof value === 'string') return sanitiseText(value);
  if (Array.isArray(value)) return value.map(cleanValue);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [sanitiseText(name), cleanValue(member)]),
  );
}
