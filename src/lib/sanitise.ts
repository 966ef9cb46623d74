/**
 * Characters that a reader does not see but a model reads: controls (all but tab and line feed), soft hyphen, combining grapheme
 * joiner, fillers, zero-width and bidirectional controls, invisible operators, variation selectors, interlinear annotations, tags.
 * Sources: Unicode 17 `Default_Ignorable_Code_Point`; UTR #36 section 2.5 (bidirectional spoofing).
 */
const INVISIBLE =
  // oxlint-disable-next-line no-control-regex, no-misleading-character-class -- these characters are what it is about
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]/gu;

/**
 * The text without what cannot be seen, and well-formed (a lone surrogate becomes U+FFFD). For text that came from a directory or
 * from a requester and is shown to models. Loses the joiners of some scripts: such text is for reading, never for comparing. Does
 * not touch markup, and makes no text trustworthy: it must still stand in a data field, apart from instructions.
 */
export function sanitiseText(text: string): string {
  return text.toWellFormed().replace(INVISIBLE, '');
}

/** The same JSON value with every string in it, member names too, passed through `sanitiseText`. */
export function sanitiseData<T>(value: T): T {
  return clean(value) as T;
}

function clean(value: unknown): unknown {
  if (typeof value === 'string') return sanitiseText(value);
  if (Array.isArray(value)) return value.map(clean);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [sanitiseText(name), clean(member)]),
  );
}
