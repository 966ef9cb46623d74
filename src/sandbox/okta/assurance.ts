import type { FactorType, UserRecord } from './types.ts';

/** How a factor is called on the page, and the authentication method that it leaves in `amr` (RFC 8176; Okta "Reserved claims"). */
export const METHODS: Readonly<Record<FactorType, { readonly label: string; readonly amr: string }>> = {
  push: { label: 'Okta Verify push', amr: 'swk' },
  'token:software:totp': { label: 'Code from Okta Verify', amr: 'otp' },
  webauthn: { label: 'Passkey', amr: 'hwk' },
  sms: { label: 'Code by SMS', amr: 'sms' },
};

/** How many factors each predefined value of `acr_values` asks for (Okta "Step-up authentication using ACR values"). */
const LEVELS = new Map([
  ['urn:okta:loa:1fa:any', 1],
  ['urn:okta:loa:1fa:pwd', 1],
  ['urn:okta:loa:2fa:any', 2],
]);

/** What a request asks of the sign-in. */
export interface Asked {
  /** The value that counts; others are ignored, as Okta does. */
  readonly acr: string | null;
  /** Whether a session is passed over and the person signs in anew, whatever its age. */
  readonly anew: boolean;
  /** Seconds that a session may be old, or null: any age. */
  readonly maxAge: number | null;
}

/** A browser's session: who signed in, when (epoch ms), with what. */
export interface Session {
  readonly userId: string;
  readonly id: string;
  readonly at: number;
  readonly amr: readonly string[];
}

/** `acr_values`, `max_age` and `prompt` of an authorization request; `max_age=0` is the same as `prompt=login`. */
export function askedOf(query: (name: string) => string | null): Asked {
  const values = (query('acr_values') ?? '').split(' ');
  const age = /^\d+$/.test(query('max_age') ?? '') ? Number(query('max_age')) : null;
  return {
    acr: values.find((one) => LEVELS.has(one)) ?? null,
    anew: query('prompt') === 'login' || age === 0,
    maxAge: age,
  };
}

/** Whether these methods reach what was asked. */
export const reaches = ({ acr }: Asked, amr: readonly string[]): boolean =>
  (LEVELS.get(acr ?? '') ?? 1) < 2 || amr.includes('mfa');

/** Whether the browser need not ask the person for their password again. */
export const recent = ({ anew, maxAge }: Asked, { at }: Session, now: number): boolean =>
  !anew && (maxAge === null || now - at <= maxAge * 1000);

/** The methods of a sign-in with this second factor, or null where the person has none such. */
export function withFactor(user: UserRecord, factor: string | null): string[] | null {
  const own = user.factors.find((one) => one.factorType === factor && one.status === 'ACTIVE');
  return own === undefined ? null : ['mfa', METHODS[own.factorType].amr, 'pwd'];
}
