import { tokensOf } from './text-limits.ts';

/** Where a policy stands in a text: from its first token to behind its semicolon, in UTF-16 units. */
export interface PolicyPlace {
  /** Its `@id`; null where it has none. */
  readonly id: string | null;
  readonly from: number;
  readonly to: number;
}

/**
 * The policies of a text that Cedar parses, in order. Of a text that it does not parse, whatever looks like
 * one.
 */
export function policyPlaces(text: string): PolicyPlace[] {
  const found: PolicyPlace[] = [];
  let tokens: string[] = [];
  let from = -1;
  for (const { 0: token, index } of tokensOf(text)) {
    if (token.startsWith('//')) continue;
    if (from < 0) from = index;
    tokens.push(token);
    if (token !== ';') continue;
    found.push({ id: idIn(tokens), from, to: index + 1 });
    tokens = [];
    from = -1;
  }
  return found;
}

function idIn(tokens: readonly string[]): string | null {
  const at = tokens.findIndex((token, index) => token === '@' && tokens[index + 1] === 'id');
  const value = at < 0 || tokens[at + 2] !== '(' ? undefined : tokens[at + 3];
  return value?.startsWith('"') === true ? value.slice(1, -1) : null;
}

/** Line and column of a place in a text, both from 1, as editors count them. */
export interface LineColumn {
  readonly line: number;
  readonly column: number;
}

/** The line and column of an offset in UTF-16 units. */
export function lineColumn(text: string, offset: number): LineColumn {
  const before = text.slice(0, offset);
  return { line: before.split('\n').length, column: offset - before.lastIndexOf('\n') };
}

/** The same of an offset in bytes of UTF-8, as Cedar gives it. */
export const lineColumnOfByte = (text: string, byte: number): LineColumn =>
  lineColumn(text, Buffer.from(text).subarray(0, byte).toString().length);

/** What is wrong with a policy text, and where; null where no place is known. */
export class TextError extends Error {
  readonly at: LineColumn | null;
  constructor(message: string, at: LineColumn | null) {
    super(message);
    this.at = at;
  }
}

/**
 * Where the policy with this @id begins, or, with `byte`, what stands so many bytes behind its beginning.
 * Null where it is not found.
 */
export function placeOf(
  text: string,
  id: string | null,
  policy?: { readonly text: string; readonly byte: number },
): LineColumn | null {
  const place = policyPlaces(text).find((item) => item.id === id);
  if (place === undefined) return null;
  const whole = text.slice(place.from, place.to);
  // Bytes count in the policy as Cedar has it, which may be written anew.
  return policy !== undefined && whole === policy.text
    ? lineColumn(text, place.from + Buffer.from(whole).subarray(0, policy.byte).toString().length)
    : lineColumn(text, place.from);
}
