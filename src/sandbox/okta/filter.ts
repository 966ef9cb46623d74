import { OktaError } from './errors.ts';

// The operators of Okta's filter and search expressions (a subset of SCIM's, RFC 7644 section 3.4.2.2).
const OPERATORS = ['eq', 'ne', 'gt', 'ge', 'lt', 'le', 'sw', 'ew', 'co', 'pr'] as const;
type Operator = (typeof OPERATORS)[number];

/** What an endpoint understands. Anything else is E0000031. */
export interface FilterRules {
  /** The allowed operators by property path. Null allows every path and operator. */
  readonly properties: Readonly<Record<string, readonly string[]>> | null;
  /** `search` ignores the case of values, `filter` does not. */
  readonly ignoreCase: boolean;
}

/** A compiled expression. True if the object matches. */
export type Predicate = (object: Readonly<Record<string, unknown>>) => boolean;

const TOKEN = /\s*(\(|\)|"(?:[^"\\]|\\.)*"|[^\s()"]+)/gy;

/**
 * Compiles an expression such as `status eq "ACTIVE" and lastUpdated gt "2026-01-01T00:00:00.000Z"`. Throws
 * E0000031.
 */
export function compileFilter(expression: string, rules: FilterRules): Predicate {
  const tokens = [...expression.trim().matchAll(TOKEN)].map((match) => match[1]!);
  if (
    tokens.length === 0 ||
    tokens.join('').length !== expression.replaceAll(/\s+(?=(?:[^"]*"[^"]*")*[^"]*$)/g, '').length
  )
    throw unsupported();
  let at = 0;
  const either = (): Predicate => {
    let left = both();
    while (tokens[at]?.toLowerCase() === 'or') {
      at += 1;
      const [one, other] = [left, both()];
      left = (object) => one(object) || other(object);
    }
    return left;
  };
  const both = (): Predicate => {
    let left = single();
    while (tokens[at]?.toLowerCase() === 'and') {
      at += 1;
      const [one, other] = [left, single()];
      left = (object) => one(object) && other(object);
    }
    return left;
  };
  const single = (): Predicate => {
    if (tokens[at] === '(') {
      at += 1;
      const inner = either();
      if (tokens[at] !== ')') throw unsupported();
      at += 1;
      return inner;
    }
    const path = tokens[at] ?? '';
    const operator = tokens[at + 1]?.toLowerCase() ?? '';
    if (!isOperator(operator) || !allowed(path, operator, rules)) throw unsupported();
    at += operator === 'pr' ? 2 : 3;
    const wanted = operator === 'pr' ? null : literal(tokens[at - 1]);
    return (object) =>
      valuesAt(object, path).some((value) => compare(operator, value, wanted, rules.ignoreCase));
  };
  const predicate = either();
  if (at !== tokens.length) throw unsupported();
  return predicate;
}

const unsupported = (): OktaError => new OktaError('E0000031');
const isOperator = (text: string): text is Operator => (OPERATORS as readonly string[]).includes(text);
const allowed = (path: string, operator: string, rules: FilterRules): boolean =>
  rules.properties === null ? /^[A-Za-z]/.test(path) : (rules.properties[path]?.includes(operator) ?? false);

function literal(token: string | undefined): string | number | boolean {
  if (token === undefined) throw unsupported();
  try {
    const value: unknown = JSON.parse(token);
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  } catch {
    throw unsupported();
  }
  throw unsupported();
}

/**
 * All values at a dotted path. An array on the way (`target.id`) contributes each of its members. An absent
 * value matches nothing, not even `ne`.
 */
function valuesAt(object: unknown, path: string): unknown[] {
  return path.split('.').reduce<unknown[]>(
    (found, key) =>
      found.flatMap((value) => {
        const inner =
          typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
        return Array.isArray(inner) ? inner : [inner];
      }),
    [object],
  );
}

const ISO_TIME = /^\d{4}-\d\d-\d\dT/;

function compare(
  operator: Operator,
  value: unknown,
  wanted: string | number | boolean | null,
  ignoreCase: boolean,
): boolean {
  if (value === undefined || value === null) return false;
  if (operator === 'pr') return value !== '';
  if (typeof value === 'string' && typeof wanted === 'string') {
    const both = [value, wanted].map((text) => (ignoreCase ? text.toLowerCase() : text)) as [string, string];
    const [left, right] = both;
    if (operator === 'sw') return left.startsWith(right);
    if (operator === 'ew') return left.endsWith(right);
    if (operator === 'co') return left.includes(right);
    if (ISO_TIME.test(value) && !Number.isNaN(Date.parse(wanted)))
      return ordered(operator, Date.parse(value), Date.parse(wanted));
    return ordered(operator, left, right);
  }
  if (typeof value === 'number' && typeof wanted === 'number') return ordered(operator, value, wanted);
  return operator === 'eq' ? value === wanted : operator === 'ne' && value !== wanted;
}

function ordered<T extends string | number>(operator: Operator, left: T, right: T): boolean {
  const results: Partial<Record<Operator, boolean>> = {
    eq: left === right,
    ne: left !== right,
    gt: left > right,
    ge: left >= right,
    lt: left < right,
    le: left <= right,
  };
  return results[operator] ?? false;
}
