/**
 * Whether every text in a value, names of members included, can be kept: PostgreSQL has no NUL in a text (manual, section 8.3), and a
 * lone surrogate is no Unicode. Looks into arrays and objects without recursion, so that nesting costs no stack.
 */
export function isStorable(value: unknown): boolean {
  const waiting: unknown[] = [value];
  while (waiting.length > 0) {
    const one = waiting.pop();
    if (typeof one === 'string') {
      if (one.includes('\0') || !one.isWellFormed()) return false;
    } else if (typeof one === 'object' && one !== null) {
      for (const [name, member] of Object.entries(one)) waiting.push(name, member);
    }
  }
  return true;
}

/** What a person or program is told whose text cannot be kept. */
export const NOT_STORABLE =
  'The request holds a character that no text may have: NUL (U+0000) or half of a surrogate pair. Take it out.';

/** The same of a URL: its path and query as they will be decoded. False also for percent-encoding that is not UTF-8. */
export function isStorableUrl(url: string): boolean {
  // Nearly every URL has nothing to decode.
  if (!url.includes('%')) return true;
  try {
    return !decodeURIComponent(url.replaceAll('+', ' ')).includes('\0');
  } catch {
    return false;
  }
}
