import { Fault } from '#lib/fault.ts';
import { SKEW_SECONDS } from './names.ts';

/** The reason, for machines. */
export const FROM_BEFORE = 'subject_before_logout';
/** The same for people: what to do next. */
export const FROM_BEFORE_WORDS =
  'it is from before the sessions of the employee were ended here. Sign the employee in again and use the new token.';

/**
 * Whether a token of the provider is from before the moment up to which the person's tokens are void (`people.tokens_not_before`). Its
 * `iat` is in whole seconds by a clock that may be ahead of ours, so a token of the first seconds after that moment is one from before.
 */
export const isFromBefore = (issuedAt: number, notBefore: Date | null): boolean =>
  notBefore !== null && !(issuedAt > notBefore.getTime() / 1000 + SKEW_SECONDS);

/** Fault `unauthenticated` for such a token. */
export const fromBefore = (): Fault =>
  new Fault('unauthenticated', `The token cannot be used: ${FROM_BEFORE_WORDS}`, {
    detail: { reason: FROM_BEFORE },
  });
