import { eq } from 'drizzle-orm';
import type { Secrets } from '#lib/crypto.ts';
import { Fault } from '#lib/fault.ts';
import type { TenantWriter } from '../../context.ts';
import { tenants } from '../../tenant/tables.ts';
import { JWKS_MAX_AGE_SECONDS, SKEW_SECONDS, TOKEN_SECONDS } from '../names.ts';
import { createSigningKey, KEEP_SECONDS } from './signing-keys.ts';
import { retireSigningKeys, signingKeysOf, type SigningKeyRow } from '../store.ts';

/**
 * How long a key is published before it signs, in seconds. Another process may still serve its old set, and a
 * client may cache that.
 */
export const PUBLISHED_AHEAD_SECONDS = KEEP_SECONDS + JWKS_MAX_AGE_SECONDS + SKEW_SECONDS;
/**
 * How long a key stays published after its successor begins to sign, in seconds: until its last token has
 * ended.
 */
export const PUBLISHED_AFTER_SECONDS = TOKEN_SECONDS + 2 * SKEW_SECONDS;

/** A rotation that has begun. */
export interface Rotation {
  readonly kid: string;
  readonly activeFrom: Date;
  /** When the earlier keys may be retired. */
  readonly retiresAt: Date;
  readonly retiring: readonly string[];
}

/**
 * Begins a rotation: a new key is published at once and signs from `activeFrom` on. The present key signs
 * until then, and stays published for its tokens. Throws Fault `conflict` if a new key is still waiting for
 * its time. Records `SIGNING_KEY_ROTATED`. Does not check whether `actor` may.
 */
export async function rotateSigningKey(
  ctx: TenantWriter,
  secrets: Secrets,
  actor: string,
): Promise<Rotation> {
  // Makes concurrent rotations wait, so that the second sees the key of the first.
  await ctx.db
    .select({ id: tenants.id })
    .from(tenants)
    .where(eq(tenants.id, ctx.tenantId))
    .for('no key update');
  const before = await signingKeysOf(ctx);
  const waiting = before.find((key) => startOf(key) > ctx.now.getTime());
  if (waiting !== undefined) {
    throw new Fault(
      'conflict',
      `The key ${waiting.kid} is already published and signs from ${new Date(startOf(waiting)).toISOString()}. Rotate again after that.`,
    );
  }
  const activeFrom = new Date(ctx.now.getTime() + PUBLISHED_AHEAD_SECONDS * 1000);
  const kid = await createSigningKey(ctx, secrets, activeFrom);
  const retiresAt = new Date(activeFrom.getTime() + PUBLISHED_AFTER_SECONDS * 1000);
  const retiring = before.map((key) => key.kid);
  ctx.record({
    event: 'SIGNING_KEY_ROTATED',
    actor,
    data: { kid, active_from: activeFrom.toISOString(), retiring, retires_at: retiresAt.toISOString() },
  });
  return { kid, activeFrom, retiresAt, retiring };
}

/**
 * Retires every key whose successor has signed for so long that all of its tokens have ended. Safe to run at
 * any time; does nothing if there is no such key. Records `SIGNING_KEY_RETIRED`.
 */
export async function retireOldSigningKeys(ctx: TenantWriter): Promise<void> {
  const retired = superseded(await signingKeysOf(ctx), ctx.now.getTime());
  if (retired.length === 0) return;
  await retireSigningKeys(ctx, retired);
  for (const kid of retired) ctx.record({ event: 'SIGNING_KEY_RETIRED', actor: 'prokura', data: { kid } });
}

const startOf = (key: SigningKeyRow): number => (key.activeFrom ?? key.createdAt).getTime();

/**
 * The keys older than the newest key that has signed for `PUBLISHED_AFTER_SECONDS`. `keys` in the order of
 * `signingKeysOf`.
 */
function superseded(keys: readonly SigningKeyRow[], nowMs: number): string[] {
  const settled = keys.findIndex((key) => startOf(key) + PUBLISHED_AFTER_SECONDS * 1000 <= nowMs);
  return settled < 0 ? [] : keys.slice(settled + 1).map(({ kid }) => kid);
}
