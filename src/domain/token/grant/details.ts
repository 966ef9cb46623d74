import type { TokenDetails } from '../../actor.ts';
import { covers, isResourcePattern, type Coverable } from '../../mandate/resources.ts';
import type { HotMandate } from './hot-mandate.ts';
import { MANDATE_DETAILS } from '../names.ts';
import { OAuthError } from '../oauth-error.ts';

/** The limits of a token in addition to its scopes. */
export type Constraints = TokenDetails;

/** A client's `authorization_details`, parsed. A member that the client left out is null. */
export interface RequestedDetails extends TokenDetails {
  readonly mandateId: string | null;
}

/**
 * The people whom patterns name, by id, as they are now. Whether a `reports:` or `group:` pattern covers a
 * person depends on the directory.
 */
export type Coverage = ReadonlyMap<string, Coverable>;

const MEMBERS = new Set(['type', 'mandate_id', 'resources', 'tools', 'amount', 'currency']);
const MAX_ENTRIES = 100;

const bad = (reason: string, description: string): OAuthError =>
  new OAuthError('invalid_authorization_details', reason, description);

/**
 * Reads an `authorization_details` parameter (RFC 9396 section 2): a JSON array of exactly one object of our
 * type. Throws OAuthError `invalid_authorization_details` for another type, an unknown member or a member of
 * the wrong form (RFC 9396 section 5).
 */
export function readDetails(text: string): RequestedDetails {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    throw bad('details_syntax', 'authorization_details must be a JSON array.');
  }
  const entry: unknown = Array.isArray(list) && list.length === 1 ? list[0] : undefined;
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry))
    throw bad('details_syntax', 'authorization_details must be a JSON array of exactly one object.');
  return readEntry(entry as Record<string, unknown>);
}

/**
 * The constraints in a token's `authorization_details`, or null if it has none. Throws as `readDetails` does.
 */
export function constraintsIn(details: unknown): RequestedDetails | null {
  if (details === undefined) return null;
  if (!Array.isArray(details) || details.length > 1)
    throw bad('details_syntax', 'authorization_details contain an unknown member.');
  return details.length === 0 ? null : readEntry(details[0] as Record<string, unknown>);
}

function readEntry(entry: Readonly<Record<string, unknown>>): RequestedDetails {
  const { type, mandate_id: mandateId, resources, tools, amount, currency } = entry;
  if (type !== MANDATE_DETAILS)
    throw bad('details_type', `The type of authorization_details must be ${MANDATE_DETAILS}.`);
  const unknown = Object.keys(entry).find((name) => !MEMBERS.has(name));
  if (unknown !== undefined)
    throw bad('details_member', `authorization_details can only contain: ${[...MEMBERS].join(', ')}.`);
  if (mandateId !== undefined && typeof mandateId !== 'string')
    throw bad('details_member', 'mandate_id in authorization_details must be a string.');
  const patterns = readTexts('resources', resources);
  if (patterns?.every(isResourcePattern) === false)
    throw bad(
      'details_resources',
      'resources must be patterns: *, person:usr_..., reports:usr_..., group:grp_...',
    );
  if ((amount === undefined) !== (currency === undefined))
    throw bad('details_amount', 'Send amount and currency together.');
  const value = typeof amount === 'number' ? String(amount) : amount;
  if (value !== undefined && (typeof value !== 'string' || !/^\d{1,16}(?:\.\d{1,4})?$/.test(value)))
    throw bad('details_amount', 'amount must be a decimal with at most four decimal places.');
  if (currency !== undefined && (typeof currency !== 'string' || !/^[A-Z]{3}$/.test(currency)))
    throw bad('details_amount', 'currency must be an ISO 4217 code, such as EUR.');
  return {
    mandateId: mandateId ?? null,
    resources: patterns,
    tools: readTexts('tools', tools),
    amount: value === undefined || currency === undefined ? null : { value, currency },
  };
}

function readTexts(name: string, value: unknown): readonly string[] | null {
  if (value === undefined) return null;
  const good =
    Array.isArray(value) &&
    value.length > 0 &&
    value.length <= MAX_ENTRIES &&
    value.every((item) => typeof item === 'string');
  if (!good) throw bad('details_member', `${name} must be a list of 1 to ${MAX_ENTRIES} strings.`);
  return [...new Set(value)];
}

/** The constraints of a mandate, or of a mandate above it. */
export const constraintsOf = (
  row: Pick<HotMandate, 'resources' | 'tools' | 'amount' | 'currency'>,
): Constraints => ({
  resources: row.resources,
  tools: row.tools,
  amount: row.amount === null || row.currency === null ? null : { value: row.amount, currency: row.currency },
});

/**
 * Ids of the people whom `narrowConstraints` must look up, because the patterns alone do not
 * decide. Usually empty.
 */
export function peopleInQuestion(bounds: readonly Constraints[], asked: Constraints | null): string[] {
  if (bounds.length < 2 && asked?.resources == null) return [];
  const lists = bounds.flatMap((bound) => (bound.resources === null ? [] : [bound.resources]));
  const patterns = [...lists.flat(), ...(asked?.resources ?? [])];
  const open = patterns.filter((pattern) => !lists.every((list) => doesFit(pattern, list, new Map())));
  return [...new Set(open.flatMap((pattern) => (pattern.startsWith('person:') ? [pattern.slice(7)] : [])))];
}

/**
 * What lies within every bound. If something was asked for, the result is exactly that and never wider than a
 * bound. Pure function. Throws OAuthError `invalid_authorization_details` if the request goes beyond a bound,
 * or if the bounds have nothing in common.
 */
export function narrowConstraints(
  bounds: readonly Constraints[],
  asked: Constraints | null,
  coverage: Coverage,
): Constraints {
  return {
    resources: narrowedResources(
      bounds.flatMap((bound) => (bound.resources === null ? [] : [bound.resources])),
      asked?.resources ?? null,
      coverage,
    ),
    tools: narrowedTools(
      bounds.flatMap((bound) => (bound.tools === null ? [] : [bound.tools])),
      asked?.tools ?? null,
    ),
    amount: narrowedAmount(
      bounds.flatMap((bound) => (bound.amount === null ? [] : [bound.amount])),
      asked?.amount ?? null,
    ),
  };
}

function narrowedResources(
  lists: readonly (readonly string[])[],
  asked: readonly string[] | null,
  coverage: Coverage,
): readonly string[] | null {
  const outside = asked?.find((pattern) => !lists.every((list) => doesFit(pattern, list, coverage)));
  if (outside !== undefined)
    throw bad('details_beyond', `${outside} is not covered by the mandate or by the subject token.`);
  if (asked !== null) return asked;
  const [first, ...others] = lists;
  if (first === undefined) return null;
  const common = others.reduce<readonly string[]>(
    (held, list) => [
      ...new Set([
        ...held.filter((pattern) => doesFit(pattern, list, coverage)),
        ...list.filter((pattern) => doesFit(pattern, held, coverage)),
      ]),
    ],
    first,
  );
  if (common.length === 0)
    throw bad('details_disjoint', 'The mandate and the subject token have no resource in common.');
  return common;
}

function narrowedTools(
  lists: readonly (readonly string[])[],
  asked: readonly string[] | null,
): readonly string[] | null {
  const outside = asked?.find((tool) => !lists.every((list) => list.includes(tool)));
  if (outside !== undefined) throw bad('details_beyond', `The mandate does not include the tool ${outside}.`);
  if (asked !== null) return asked;
  const [first, ...others] = lists;
  if (first === undefined) return null;
  const common = first.filter((tool) => others.every((list) => list.includes(tool)));
  if (common.length === 0)
    throw bad('details_disjoint', 'The mandate and the subject token have no tool in common.');
  return common;
}

type Amount = NonNullable<Constraints['amount']>;

function narrowedAmount(bounds: readonly Amount[], asked: Amount | null): Amount | null {
  const [first] = bounds;
  const all = asked === null ? bounds : [...bounds, asked];
  if (all.some((one) => one.currency !== all[0]?.currency))
    throw bad('details_beyond', `The amount must be in ${first?.currency ?? 'one currency'}.`);
  if (asked !== null && bounds.some((bound) => tenThousandths(asked.value) > tenThousandths(bound.value)))
    throw bad('details_beyond', 'The amount exceeds the limit of the mandate.');
  if (asked !== null) return asked;
  return bounds.reduce<Amount | null>(
    (least, one) => (least === null || tenThousandths(one.value) < tenThousandths(least.value) ? one : least),
    null,
  );
}

/** Whether the list contains the pattern, or covers the one person whom the pattern names. */
function doesFit(pattern: string, list: readonly string[], coverage: Coverage): boolean {
  if (list.includes('*') || list.includes(pattern)) return true;
  const person = pattern.startsWith('person:') ? coverage.get(pattern.slice(7)) : undefined;
  return person !== undefined && covers(list, person);
}

function tenThousandths(decimal: string): bigint {
  const [whole = '0', part = ''] = decimal.split('.');
  return BigInt(whole + part.padEnd(4, '0').slice(0, 4));
}
