import type { Fault } from '#lib/fault.ts';
import { scimFault, type ScimType } from '../faults.ts';

/** The operators that compare an attribute with a value. */
export type CompareOp = 'eq' | 'ne' | 'co' | 'sw' | 'ew' | 'gt' | 'ge' | 'lt' | 'le';

/**
 * A filter as it was written. Names are not resolved yet. A value is text, read later by the attribute's
 * type, or null.
 */
export type Filter =
  | { readonly kind: 'and'; readonly terms: readonly Filter[] }
  | { readonly kind: 'or'; readonly terms: readonly Filter[] }
  | { readonly kind: 'not'; readonly term: Filter }
  | { readonly kind: 'compare'; readonly path: string; readonly op: CompareOp; readonly value: string | null }
  | { readonly kind: 'present'; readonly path: string }
  | { readonly kind: 'element'; readonly path: string; readonly filter: Filter };

/**
 * A PATCH path (RFC 7644 section 3.5.2): an attribute, optionally with a value filter and a sub-attribute
 * after it.
 */
interface ValuePath {
  readonly path: string;
  readonly filter: Filter | null;
  readonly sub: string | null;
}

// The limits of one filter: characters, nesting and terms.
const LIMITS = { characters: 4096, depth: 32, terms: 64 } as const;

const OPS: ReadonlySet<string> = new Set<CompareOp>(['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le']);
const isOp = (word: string): word is CompareOp => OPS.has(word);

/**
 * Parses a filter by the grammar of RFC 7644 section 3.4.2.2 (`not` before `and` before `or`; operators in
 * any case). In addition it accepts what Microsoft sends: a bare word as a value (`userName sw O`), and
 * `emails[type eq "work"].value eq "x"`, which matches if one element meets both. Throws Fault with scimType
 * `invalidFilter` for anything else and beyond the limits. Not `scim2-parse-filter`, which has no limits on
 * length, depth and terms, refuses both of Microsoft's forms, and does not say where the error is.
 */
export function parseFilter(text: string): Filter {
  const parser = createParser(text, 'invalidFilter');
  const filter = parser.or(0);
  parser.end();
  return filter;
}

/** Parses a PATCH path. Throws Fault with scimType `invalidPath`. */
export function parsePath(text: string): ValuePath {
  const parser = createParser(text, 'invalidPath');
  const path = parser.word();
  const filter = parser.bracketed(0);
  const sub = filter === null ? null : parser.afterBracket();
  parser.end();
  return { path, filter, sub };
}

interface Parser {
  or(depth: number): Filter;
  word(): string;
  bracketed(depth: number): Filter | null;
  afterBracket(): string | null;
  end(): void;
}

function createParser(text: string, scimType: ScimType): Parser {
  let at = 0;
  let terms = 0;
  const wrong = (what: string): Fault =>
    scimFault(scimType, `${what}, at character ${at + 1} of ${JSON.stringify(text.slice(0, 120))}.`);
  if (text.length > LIMITS.characters)
    throw wrong(`A filter can have at most ${LIMITS.characters} characters`);

  const take = (pattern: RegExp): string | null => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    if (found === undefined) return null;
    at += found.length;
    return found;
  };
  const space = (): void => void take(/\s*/y);

  function or(depth: number): Filter {
    return chain('or', depth, () => chain('and', depth, () => unary(depth)));
  }

  function chain(kind: 'and' | 'or', depth: number, next: () => Filter): Filter {
    if (depth > LIMITS.depth) throw wrong(`A filter can be nested at most ${LIMITS.depth} levels deep`);
    const first = next();
    const all = [first];
    const joiner = kind === 'and' ? /\s*\band\b(?=[\s(])/iy : /\s*\bor\b(?=[\s(])/iy;
    while (take(joiner) !== null) all.push(next());
    return all.length === 1 ? first : { kind, terms: all };
  }

  function unary(depth: number): Filter {
    space();
    if (take(/not\s*(?=\()/iy) !== null) return { kind: 'not', term: group(depth) };
    return text[at] === '(' ? group(depth) : term(depth);
  }

  function group(depth: number): Filter {
    at += 1;
    const inner = or(depth + 1);
    space();
    if (take(/\)/y) === null) throw wrong('A parenthesis is not closed');
    return inner;
  }

  function term(depth: number): Filter {
    terms += 1;
    if (terms > LIMITS.terms) throw wrong(`A filter can have at most ${LIMITS.terms} terms`);
    const path = word();
    const filter = bracketed(depth);
    if (filter === null) return comparison(path);
    const sub = afterBracket();
    if (sub === null) return { kind: 'element', path, filter };
    return { kind: 'element', path, filter: { kind: 'and', terms: [filter, comparison(sub)] } };
  }

  function comparison(path: string): Filter {
    space();
    const op = (take(/[a-z]+/iy) ?? '').toLowerCase();
    if (op === 'pr') return { kind: 'present', path };
    if (!isOp(op)) throw wrong('An operator is missing (eq, ne, co, sw, ew, gt, ge, lt, le, pr)');
    if (take(/\s+/y) === null) throw wrong(`A value is missing after ${op}`);
    return { kind: 'compare', path, op, value: value() };
  }

  function value(): string | null {
    if (text[at] === '"') {
      const quoted = take(/"(?:[^"\\]|\\.)*"/sy);
      if (quoted === null) throw wrong('A quotation mark is not closed');
      return storable(unquote(quoted));
    }
    const bare = take(/[^\s()[\]"]+/y);
    if (bare === null) throw wrong('A value is missing');
    return bare.toLowerCase() === 'null' ? null : storable(bare);
  }

  function unquote(quoted: string): string {
    try {
      return JSON.parse(quoted) as string;
    } catch {
      throw wrong('A quoted value is not a JSON string');
    }
  }

  // PostgreSQL can store neither in text.
  function storable(value: string): string {
    if (value.includes('\0') || !value.isWellFormed())
      throw wrong('A value contains a character that no attribute can have');
    return value;
  }

  function word(): string {
    space();
    const found = take(/[a-z$][\w$:.-]*/iy);
    if (found === null) throw wrong('An attribute name is missing');
    return found;
  }

  function bracketed(depth: number): Filter | null {
    if (take(/\[/y) === null) return null;
    const filter = or(depth + 1);
    space();
    if (take(/\]/y) === null) throw wrong('A bracket is not closed');
    return filter;
  }

  const afterBracket = (): string | null => take(/\.[a-z$][\w$-]*/iy)?.slice(1) ?? null;

  function end(): void {
    space();
    if (at < text.length) throw wrong('There is unexpected text here');
  }

  return { or, word, bracketed, afterBracket, end };
}
