import { eq, sql } from 'drizzle-orm';
import { z } from 'zod';
import { Fault } from '#lib/fault.ts';
import { isOneLine } from '#lib/sanitise.ts';
import { exportPublicJwk, importVerifyKey, thumbprint, type JwsAlg } from '#lib/jwt.ts';
import { isPrivate } from '../agent/key.ts';
import { agentsOfTrustDomain, endSvids } from '../agent/spiffe-id.ts';
import type { TenantReader, TenantWriter } from '../context.ts';
import { isTrustDomain } from '../token/client/spiffe.ts';
import { trustBundleOf } from './settings.ts';
import { theTenant } from './store.ts';
import { tenants } from './tables.ts';

const MAX_TRUST_DOMAINS = 50;
const MAX_KEYS = 100;
/**
 * The maximum size of a bundle as JSON. A SPIRE server's bundle with its X.509 authorities has about 10 KiB.
 */
const MAX_BYTES = 64 * 1024;
/**
 * The maximum length of a key id. Approvers read it, so it must also be one line without hidden characters.
 */
const MAX_KID = 255;

/** A SPIFFE bundle as its server shows it: `spire-server bundle show -format spiffe`. */
export const SpiffeBundle = z
  .looseObject({
    keys: z.array(z.looseObject({})).min(1, 'is empty').max(MAX_KEYS).describe('JSON Web Keys.'),
  })
  .refine((bundle) => Buffer.byteLength(JSON.stringify(bundle)) <= MAX_BYTES, {
    error: `has more than ${MAX_BYTES} bytes`,
    abort: true,
  });

/** The name of a trust domain in a tool's input. */
export const TrustDomain = z
  .string()
  .refine(isTrustDomain, 'must be 1 to 255 lowercase letters, digits and . _ -')
  .describe('Trust domain, such as acme.example.');

/** A key of a bundle that verifies JWT-SVIDs, without the key itself. */
export const BundleKey = z.object({
  kid: z.string(),
  alg: z.enum(['ES256', 'RS256']),
  thumbprint: z.string().describe('RFC 7638 thumbprint of the key.'),
});
type BundleKey = z.infer<typeof BundleKey>;

/** A trust domain's keys, and the agents that depend on them. */
export const BundleView = z.object({
  trust_domain: z.string(),
  keys: z.array(BundleKey),
  agents: z.array(z.string()).describe('IDs of the agents that authenticate with this bundle.'),
});

/** A key of a bundle that was ignored, and why. */
export const IgnoredKey = z.object({
  key: z.string().describe('Position in the bundle, such as keys.1.'),
  why: z.string(),
});

/** A bundle that may be saved: the keys that verify JWT-SVIDs, and the keys that were ignored. */
export interface ReadBundle {
  readonly keys: readonly (BundleKey & { readonly jwk: Readonly<Record<string, unknown>> })[];
  readonly ignored: readonly z.infer<typeof IgnoredKey>[];
}

/**
 * The key, or why it verifies no JWT-SVID. Unknown types and uses are ignored (SPIFFE Trust Domain and
 * Bundle, section 4.1.3).
 */
function keyOf(jwk: Readonly<Record<string, unknown>>): ReadBundle['keys'][number] | string {
  const { kid, use } = jwk;
  if (use === 'x509-svid') return 'is for X.509-SVIDs';
  if (use !== 'jwt-svid') return 'does not have the use jwt-svid';
  if (typeof kid !== 'string' || !isOneLine(kid) || kid.length > MAX_KID)
    return 'has no kid of 1 to 255 visible ASCII characters';
  const key = importVerifyKey({ ...jwk, use: 'sig' });
  if (key === null) return 'cannot verify ES256 (EC on P-256) or RS256 (RSA of at least 2048 bits)';
  const alg: JwsAlg = key.alg;
  return { kid, alg, thumbprint: thumbprint(key), jwk: { ...exportPublicJwk(key), kid, alg, use } };
}

/**
 * Reads a bundle. `at` is its place in the input. Fault `invalid_input` with `detail.problems` if it contains
 * a private or symmetric key, if a `kid` is repeated, or if no key verifies JWT-SVIDs. Does not check that
 * the keys belong to the trust domain: approvers do.
 */
export function readBundle(bundle: z.infer<typeof SpiffeBundle>, at = ''): ReadBundle {
  const problems: { field: string; problem: string }[] = [];
  const keys: ReadBundle['keys'][number][] = [];
  const ignored: z.infer<typeof IgnoredKey>[] = [];
  bundle.keys.forEach((jwk, index) => {
    const place = `keys.${index}`;
    const key = keyOf(jwk);
    if (isPrivate(jwk))
      problems.push({
        field: `${at}${place}`,
        problem: 'is a private or symmetric key, and has now been exposed: create a new one.',
      });
    else if (typeof key === 'string') ignored.push({ key: place, why: key });
    else if (keys.some(({ kid }) => kid === key.kid))
      problems.push({
        field: `${at}${place}.kid`,
        problem: 'is listed twice; each kid can be only one key.',
      });
    else keys.push(key);
  });
  if (problems.length === 0 && keys.length === 0)
    problems.push({
      field: `${at}keys`,
      problem: `contain none that verifies JWT-SVIDs: ${ignored.map(({ key, why }) => `${key} ${why}`).join('; ')}.`,
    });
  if (problems.length === 0) return { keys, ignored };
  const words = problems.map(({ field, problem }) => `${field} ${problem}`).join(' ');
  throw new Fault('invalid_input', `The trust bundle was not changed. ${words}`, { detail: { problems } });
}

/** The keys that verify JWT-SVIDs of a trust domain now; null if it has no bundle. */
export async function bundleKeys(reader: TenantReader, trustDomain: string): Promise<BundleKey[] | null> {
  const bundle = trustBundleOf((await theTenant(reader)).settings, trustDomain);
  return bundle === null
    ? null
    : bundle.keys.map(keyOf).flatMap((key) => (typeof key === 'string' ? [] : [shown(key)]));
}

/** Every trust domain with a bundle, sorted by name. */
export async function bundlesOf(reader: TenantReader): Promise<z.infer<typeof BundleView>[]> {
  const { spiffeBundles = {} } = (await theTenant(reader)).settings;
  const views = Object.keys(spiffeBundles)
    .sort()
    .map(async (trustDomain) => ({
      trust_domain: trustDomain,
      keys: (await bundleKeys(reader, trustDomain)) ?? [],
      agents: (await agentsOfTrustDomain(reader, trustDomain)).map(({ id }) => id),
    }));
  return Promise.all(views);
}

/**
 * The keys of `before` that are not in `after`: what depends on them must end. The same `kid` with another
 * key counts as another key.
 */
export const goneKeys = (before: readonly BundleKey[], after: readonly BundleKey[]): BundleKey[] =>
  before.filter((old) => !after.some((key) => key.kid === old.kid && key.thumbprint === old.thumbprint));

/** Whether two bundles verify the same SVIDs. */
export const sameKeys = (one: readonly BundleKey[], other: readonly BundleKey[]): boolean =>
  goneKeys(one, other).length === 0 && goneKeys(other, one).length === 0;

/**
 * Replaces the bundle of a trust domain, or removes it if `bundle` is null. If a key is removed, the tokens
 * of every agent of the trust domain end. If the bundle is removed, their waiting calls are withdrawn as
 * well. The caller must have locked the tenant's row. Returns the ids of these agents. Fault `conflict` if
 * there are too many trust domains, `not_found` if there is nothing to remove.
 */
export async function changeBundle(
  ctx: TenantWriter,
  trustDomain: string,
  bundle: ReadBundle | null,
  by: { readonly actor: string; readonly callId: string },
): Promise<string[]> {
  const before = await bundleKeys(ctx, trustDomain);
  const { spiffeBundles = {} } = (await theTenant(ctx)).settings;
  if (bundle === null && before === null) throw noBundle(trustDomain);
  const others = Object.entries(spiffeBundles).filter(([name]) => name !== trustDomain);
  if (bundle !== null && others.length >= MAX_TRUST_DOMAINS)
    throw new Fault(
      'conflict',
      `${MAX_TRUST_DOMAINS} trust domains already exist, which is the limit. Remove one first.`,
    );
  const after = bundle === null ? [] : [[trustDomain, { keys: bundle.keys.map(({ jwk }) => jwk) }] as const];
  const all = JSON.stringify(Object.fromEntries([...others, ...after]));
  await ctx.db
    .update(tenants)
    .set({ settings: sql`${tenants.settings} || jsonb_build_object('spiffeBundles', ${all}::jsonb)` })
    .where(eq(tenants.id, ctx.tenantId));
  const gone = goneKeys(before ?? [], bundle?.keys ?? []);
  const removed = { actor: by.actor, reason: `the trust bundle of ${trustDomain} was removed` };
  const ended =
    bundle === null || gone.length > 0
      ? await endSvids(ctx, trustDomain, bundle === null ? removed : null)
      : [];
  ctx.record({
    event: 'spiffe_bundle_changed',
    actor: by.actor,
    data: {
      trust_domain: trustDomain,
      keys: (bundle?.keys ?? []).map(shown),
      gone: gone.map(shown),
      agents_ended: ended,
      call_id: by.callId,
    },
  });
  return ended;
}

/** The fault for a trust domain without a bundle. */
export const noBundle = (trustDomain: string): Fault =>
  new Fault('not_found', `There is no trust bundle of ${trustDomain.slice(0, 80)}.`);

/** Keys in words, so that people can compare them. */
export const keysInWords = (keys: readonly BundleKey[]): string =>
  keys.map(({ kid, alg, thumbprint: print }) => `${alg} key ${kid} (thumbprint ${print})`).join(', ');

/** Describes a key without the key itself. */
export const shown = ({ kid, alg, thumbprint: print }: BundleKey): BundleKey => ({
  kid,
  alg,
  thumbprint: print,
});
