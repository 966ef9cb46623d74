import { Fault } from '#lib/fault.ts';
import { nearestName } from '#lib/problems.ts';
import type { TenantReader } from '../context.ts';
import { scopesOf, type Scope } from './store.ts';

/** The requested scopes that are not in the catalogue, in the order of the request. */
export const unknownScopes = (asked: readonly string[], catalogue: readonly Scope[]): string[] => {
  const known = new Set(catalogue.map(({ scope }) => scope));
  return asked.filter((scope) => !known.has(scope));
};

/**
 * Says of each of these scopes that it is not there, and which one may be meant. A guess is only said:
 * nothing is ever given on one.
 */
export const unknownInWords = (
  unknown: readonly string[],
  catalogue: readonly Pick<Scope, 'scope'>[],
): string[] =>
  unknown.map((scope) => {
    const nearest = nearestName(
      scope,
      catalogue.map((one) => one.scope),
    );
    return `There is no scope ${scope.slice(0, 100)}.${nearest === null ? '' : ` Did you mean ${nearest}?`}`;
  });

/**
 * Refuses scopes that the tenant's catalogue does not have. With an empty catalogue, every scope is unknown.
 * Throws Fault `invalid_input`, naming the unknown and the known scopes. Returns the catalogue entries of the
 * requested scopes.
 */
export async function requireKnownScopes(
  reader: TenantReader,
  asked: readonly string[],
  field = 'scopes',
): Promise<Scope[]> {
  const catalogue = await scopesOf(reader);
  const unknown = unknownScopes(asked, catalogue);
  if (unknown.length > 0) {
    const there = catalogue.map(({ scope }) => scope);
    const words = unknownInWords(unknown, catalogue);
    throw new Fault(
      'invalid_input',
      `${words.join(' ')} There are: ${there.slice(0, 50).join(', ')}${there.length > 50 ? ', …' : ''}. An IT admin can add one with scope_set.`,
      { detail: { problems: words.map((problem) => ({ field, problem })) } },
    );
  }
  return catalogue.filter(({ scope }) => asked.includes(scope));
}

/**
 * Refuses scopes for roles that may not hold them. A scope without `holders` may be held by every role.
 * Throws Fault `forbidden` with the scopes and the roles that may hold them.
 */
export function requireHolders(catalogue: readonly Scope[], roles: readonly string[]): void {
  const barred = catalogue.filter(
    ({ holders }) => holders.length > 0 && !holders.some((role) => roles.includes(role)),
  );
  if (barred.length === 0) return;
  const words = barred.map(({ scope, holders }) => `${scope} (only ${holders.join(', ')})`).join('; ');
  throw new Fault('forbidden', `Not everyone can hold these scopes: ${words}.`, {
    field: 'scopes',
    detail: {
      missing: { holders: Object.fromEntries(barred.map(({ scope, holders }) => [scope, holders])) },
    },
  });
}
