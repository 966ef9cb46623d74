import type { FactorType, UserRecord } from './types.ts';

/** For each factor, its name on the page and its value in `amr` (RFC 8176; Okta, "Reserved claims"). */
export const METHODS: Readonly<Record<FactorType, { readonly label: string; readonly amr: string }>> = {
  push: { label: 'Okta Verify push', amr: 'swk' },
  'token:software:totp': { label: 'Code from Okta Verify', amr: 'otp' },
  webauthn: { label: 'Passkey', amr: 'hwk' },
  sms: { label: 'Code by SMS', amr: 'sms' },
};

// How many factors each predefined value of `acr_values` requires (Okta, "Step-up authentication using ACR
// values").
const LEVELS = new Map([
  ['urn:okta:loa:1fa:any', 1],
  ['urn:okta:loa:1fa:pwd', 1],
  ['urn:okta:loa:2fa:any', 2],
]);

/** What a request asks of the sign-in. */
export interface Asked {
  /** The value that counts. Others are ignored, as at Okta. */
  readonly acr: string | null;
  /** Whether the person must sign in again even if a session exists, whatever its age. */
  readonly anew: boolean;
  /** The oldest session that is accepted, in seconds. Null: any age. */
  readonly maxAge: number | null;
}

/** A browser's session: the person, the time of the sign-in (epoch ms) and its methods. */
export interface Session {
  readonly userId: string;
  readonly id: string;
  readonly at: number;
  readonly amr: readonly string[];
}

/**
 * Reads `acr_values`, `max_age` and `prompt` of an authorization request. `max_age=0` means the same as
 * `prompt=login`.
 */
export function askedOf(query: (name: string) => string | null): Asked {
  const values = (query('acr_values') ?? '').split(' ');
  const age = /^\d+$/.test(query('max_age') ?? '') ? Number(query('max_age')) : null;
  return {
    acr: values.find((one) => LEVELS.has(one)) ?? null,
    anew: query('prompt') === 'login' || age === 0,
    maxAge: age,
  };
}

/** Whether these methods reach the requested level. */
export const reaches = ({ acr }: Asked, amr: readonly string[]): boolean =>
  (LEVELS.get(acr ?? '') ?? 1) < 2 || amr.includes('mfa');

/** Whether the session is recent enough, so that the person need not enter their password again. */
export const recent = ({ anew, maxAge }: Asked, { at }: Session, now: number): boolean =>
  !anew && (maxAge === null || now - at <= maxAge * 1000);

/** The methods of a sign-in with this second factor, or null if the person has no such active factor. */
export function withFactor(user: UserRecord, factor: string | null): string[] | null {
  const own = user.factors.find((one) => one.factorType === factor && one.status === 'ACTIVE');
  return own === undefined ? null : ['mfa', METHODS[own.factorType].amr, 'pwd'];
}
