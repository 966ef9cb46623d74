/**
 * Reads a `scope` parameter (RFC 6749 section 3.3): tokens of printable ASCII without quotation
 * mark and backslash, separated by one space. Removes duplicates. Null if the text is malformed or
 * empty: a parameter without a value counts as omitted, so the caller handles that case.
 */
export function parseScope(text: string): string[] | null {
  return /^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/.test(text)
    ? [...new Set(text.split(' '))]
    : null;
}

/** The limits of a grant. Each is a set of scopes, matched exactly. */
export interface ScopeBounds {
  readonly mandate: readonly string[];
  readonly ceiling: readonly string[];
  readonly authority: readonly string[];
  /** What every mandate above this one and its agent may have. Null: there is none above. */
  readonly above: readonly string[] | null;
  /** What the subject token carries. Null: the subject does not limit the scopes. */
  readonly subject: readonly string[] | null;
  /** The mandate's scopes that a token for this resource may carry. */
  readonly resource: readonly string[];
}

const BOUNDS = [
  ['mandate', 'the mandate does not include it'],
  ['ceiling', 'it is above the ceiling of the agent'],
  ['authority', 'the groups of the employee do not give it now'],
  ['above', 'a parent of the mandate does not include it'],
  ['subject', 'the subject token does not include it'],
  ['resource', 'it is not a scope of the requested resource'],
] as const;

/**
 * Says in words which scopes are outside which limit. Empty if all are inside all limits: nothing
 * is dropped silently.
 */
export function scopeProblems(requested: readonly string[], bounds: ScopeBounds): string[] {
  return requested.flatMap((scope) => {
    const outside = BOUNDS.find(([name]) => bounds[name]?.includes(scope) === false);
    return outside === undefined ? [] : [`${scope}: ${outside[1]} (${outside[0]})`];
  });
}
