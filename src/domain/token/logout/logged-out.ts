import { Fault } from '#lib/fault.ts';
import { SKEW_SECONDS } from '../names.ts';

/** The reason code. */
export const FROM_BEFORE = 'subject_before_logout';
/** The reason in words, with what to do next. */
export const FROM_BEFORE_WORDS =
  'it was issued before the sessions of the employee were ended here. Sign the employee in again and use the new token.';

/**
 * Whether the provider issued a token before the person's tokens were voided (`people.tokens_not_before`).
 * `iat` is in whole seconds of a clock that may be ahead of ours. So a token from the first seconds after
 * that moment counts as issued before it.
 */
export const isFromBefore = (issuedAt: number, notBefore: Date | null): boolean =>
  notBefore !== null && !(issuedAt > notBefore.getTime() / 1000 + SKEW_SECONDS);

/** Fault `unauthenticated` for such a token. */
export const fromBefore = (): Fault =>
  new Fault('unauthenticated', `The token cannot be used: ${FROM_BEFORE_WORDS}`, {
    detail: { reason: FROM_BEFORE },
  });
