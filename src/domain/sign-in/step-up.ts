import { isId, newId, newSecret } from '#lib/id.ts';
import { sameDigest, sha256 } from '#lib/crypto.ts';
import { z } from 'zod';
import type { TenantReader, TenantWriter } from '../context.ts';
import { addSignInRow, findSignInRow, takeSignInRow } from './store.ts';

/** For how long a strong sign-in counts, from the moment when the person proved themselves. */
export const STEP_UP_SECONDS = 300;

const KIND = 'StepUp';

/**
 * Okta's authentication contexts of two factors (Okta "Step-up authentication using ACR values"): any two, and the phishing-resistant
 * ones, which imply possession and more. An organisation whose policy asks for more than we do answers with one of the latter.
 */
const TWO_FACTORS: ReadonlySet<string> = new Set(['urn:okta:loa:2fa:any', 'phr', 'phrh']);

/** What is asked of Okta. */
export const STEP_UP_ACR = 'urn:okta:loa:2fa:any';

/** How Okta says that somebody signed in: claims of its ID token (OpenID Connect Core section 2). */
export interface SignInClaims {
  readonly acr: string | undefined;
  readonly amr: readonly string[] | undefined;
  /** Seconds since 1970. */
  readonly authTime: number | undefined;
}

/**
 * Why a sign-in is not good enough for a step-up, or null: several factors were really used, by the claimed level *and* by the methods
 * (`mfa`, RFC 8176), and within the last five minutes. A claim that is missing is a no: an organisation that ignores `acr_values` sends none.
 */
export function tooWeak(
  { acr, amr, authTime }: SignInClaims,
  now: Date,
): 'no_second_factor' | 'too_old' | null {
  if (acr === undefined || !TWO_FACTORS.has(acr) || amr?.includes('mfa') !== true) return 'no_second_factor';
  const age = authTime === undefined ? Infinity : now.getTime() / 1000 - authTime;
  return age > STEP_UP_SECONDS || age < -60 ? 'too_old' : null;
}

const StepUp = z.object({
  /** `oidc:okta:<uid>`: by this the row ends with everything else that the person is signed in to. */
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

/** One strong sign-in of one person, for one approval as it stood then. */
export type StepUp = Omit<z.infer<typeof StepUp>, 'secret'> & { readonly id: string };

/**
 * Saves a step-up; it ends five minutes after the person proved themselves, with its use, or with the person's sign-ins. Returns what
 * the browser keeps: the id and a secret, of which only a digest stays here.
 */
export async function addStepUp(ctx: TenantWriter, stepUp: Omit<StepUp, 'id'>): Promise<string> {
  const [id, secret] = [newId('stp'), newSecret()];
  const payload = { ...stepUp, amr: [...stepUp.amr], secret: sha256(secret) };
  const ends = Math.min(stepUp.authTime * 1000, ctx.now.getTime()) + STEP_UP_SECONDS * 1000;
  await addSignInRow(ctx, { kind: KIND, id, payload, expiresAt: new Date(ends) });
  return `${id}.${secret}`;
}

/** The step-up that a browser presents, as long as it holds; null for anything else. */
export async function presentedStepUp(reader: TenantReader, presented: string): Promise<StepUp | null> {
  const [id = '', secret = ''] = presented.split('.');
  const row = isId('stp', id) ? await findSignInRow(reader, KIND, id) : null;
  if (row === null) return null;
  const { secret: digest, ...rest } = StepUp.parse(row.payload);
  return sameDigest(sha256(secret), digest) ? { id, ...rest } : null;
}

/** Uses a step-up up, in the transaction of what it is for: the step-up for exactly one caller, null for every other and once it has ended. */
export async function takeStepUp(ctx: TenantWriter, id: string): Promise<StepUp | null> {
  const payload = await takeSignInRow(ctx, KIND, id);
  if (payload === null) return null;
  const { secret: _, ...rest } = StepUp.parse(payload);
  return { id, ...rest };
}
