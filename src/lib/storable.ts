/**
 * Whether PostgreSQL can store every text in a value, including member names: a text cannot contain NUL
 * (manual, section 8.3), and a lone surrogate is not valid Unicode. Works without recursion, so that nesting
 * cannot exhaust the stack.
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

/** The message for a request with a text that cannot be stored. */
export const NOT_STORABLE =
  'The request contains a character that cannot be stored: NUL (U+0000) or half of a surrogate pair. Remove it.';

/** The same for a URL, with its path and query decoded. Also false for percent-encoding that is not UTF-8. */
export function isStorableUrl(url: string): boolean {
  // Most URLs have nothing to decode.
  if (!url.includes('%')) return true;
  try {
    return !decodeURIComponent(url.replaceAll('+', ' ')).includes('\0');
  } catch {
    return false;
  }
}
