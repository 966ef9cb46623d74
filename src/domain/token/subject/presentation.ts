import { Fault } from '#lib/fault.ts';
import type { Subject } from '../grant/grant.ts';
import type { HotMandate } from '../grant/hot-mandate.ts';
import { OAuthError } from '../oauth-error.ts';

/**
 * A subject, the mandate that it is presented for, and the delegation token that it comes from if it is one
 * of ours.
 */
export interface Presentation {
  readonly subject: Subject;
  readonly mandateId: string;
  readonly through: Through | null;
  /**
   * The version of the tenant's providers that it was checked against; null if the check did not depend on
   * them.
   */
  readonly trusting: string | null;
}

/**
 * A delegation token with a valid signature and valid claims. `check` throws OAuthError if it is no longer in
 * force, by a row that was read after the request arrived.
 */
export interface Through {
  readonly mandateId: string;
  readonly jtis: readonly string[];
  check(row: HotMandate | null): void;
}

/**
 * Refuses the subject token: RFC 8693 section 2.2.2 uses `invalid_request` for every subject token that is
 * not accepted.
 */
export const refuseSubject = (reason: string, description: string): OAuthError =>
  new OAuthError('invalid_request', reason, description);

/** What is thrown for an error of a check: the refusal of the subject token, or the error itself. */
export function asRefusal(error: unknown): unknown {
  return error instanceof Fault && error.code === 'unauthenticated'
    ? refuseSubject(`subject_${String(error.detail.reason)}`, `subject_token: ${error.message}`)
    : error;
}
