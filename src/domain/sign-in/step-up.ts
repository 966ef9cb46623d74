import { isId, newId, newSecret } from '#lib/id.ts';
import { sameDigest, sha256 } from '#lib/crypto.ts';
import { z } from 'zod';
import type { TenantReader, TenantWriter } from '../context.ts';
import { addSignInRow, findSignInRow, takeSignInRow } from './store.ts';

/** How long a step-up counts after the person signed in again, in seconds. */
export const STEP_UP_SECONDS = 300;

const KIND = 'StepUp';

/**
 * Okta's authentication contexts with two factors (Okta, "Step-up authentication using ACR values"): any two
 * factors, and the phishing-resistant ones, which imply more. An organisation whose policy requires more
 * answers with one of the latter.
 */
const TWO_FACTORS: ReadonlySet<string> = new Set(['urn:okta:loa:2fa:any', 'phr', 'phrh']);

/** The authentication context that we request from Okta. */
export const STEP_UP_ACR = 'urn:okta:loa:2fa:any';

/** How the person signed in, by the claims of Okta's ID token (OpenID Connect Core section 2). */
export interface SignInClaims {
  readonly acr: string | undefined;
  readonly amr: readonly string[] | undefined;
  /** Seconds since 1970. */
  readonly authTime: number | undefined;
}

/**
 * Why a sign-in is too weak for a step-up; null if it is strong enough. Both the claimed level and the
 * methods (`mfa`, RFC 8176) must show several factors, and it must be at most `STEP_UP_SECONDS` old. A
 * missing claim counts as too weak: an organisation that ignores `acr_values` sends none.
 */
export function findWeakness(
  { acr, amr, authTime }: SignInClaims,
  now: Date,
): 'no_second_factor' | 'too_old' | null {
  if (acr === undefined || !TWO_FACTORS.has(acr) || amr?.includes('mfa') !== true) return 'no_second_factor';
  const age = authTime === undefined ? Infinity : now.getTime() / 1000 - authTime;
  return age > STEP_UP_SECONDS || age < -60 ? 'too_old' : null;
}

const StepUp = z.object({
  /** `oidc:okta:<uid>`. By this value, the row ends with the person's other sign-ins. */
  accountId: z.string(),
  personId: z.string(),
  approvalId: z.string(),
  version: z.number(),
  digest: z.string(),
  acr: z.string(),
  amr: z.array(z.string()),
  authTime: z.number(),
  secret: z.string(),
});

/** A strong sign-in of one person, for one approval in the version that it had then. */
export type StepUp = Omit<z.infer<typeof StepUp>, 'secret'> & { readonly id: string };

/**
 * Saves a step-up. It ends `STEP_UP_SECONDS` after the person signed in, when it is used, or with the
 * person's sign-ins. Returns the value for the browser: the id and a secret, of which we store only a digest.
 */
export async function addStepUp(ctx: TenantWriter, stepUp: Omit<StepUp, 'id'>): Promise<string> {
  const [id, secret] = [newId('stp'), newSecret()];
  const payload = { ...stepUp, amr: [...stepUp.amr], secret: sha256(secret) };
  const ends = Math.min(stepUp.authTime * 1000, ctx.now.getTime()) + STEP_UP_SECONDS * 1000;
  await addSignInRow(ctx, { kind: KIND, id, payload, expiresAt: new Date(ends) });
  return `${id}.${secret}`;
}

/** The step-up that a browser presents, or null if it is unknown, wrong or has ended. Does not use it up. */
export async function presentedStepUp(reader: TenantReader, presented: string): Promise<StepUp | null> {
  const [id = '', secret = ''] = presented.split('.');
  const row = isId('stp', id) ? await findSignInRow(reader, KIND, id) : null;
  if (row === null) return null;
  const { secret: digest, ...rest } = StepUp.parse(row.payload);
  return sameDigest(sha256(secret), digest) ? { id, ...rest } : null;
}

/**
 * Uses a step-up in the transaction that needs it. Exactly one caller gets it; others, and callers after its
 * end, get null.
 */
export async function takeStepUp(ctx: TenantWriter, id: string): Promise<StepUp | null> {
  const payload = await takeSignInRow(ctx, KIND, id);
  if (payload === null) return null;
  const { secret: _, ...rest } = StepUp.parse(payload);
  return { id, ...rest };
}
