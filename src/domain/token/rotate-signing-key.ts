import { eq } from 'drizzle-orm';
import type { Secrets } from '#lib/crypto.ts';
import { Fault } from '#lib/fault.ts';
import type { TenantWriter } from '../context.ts';
import { tenants } from '../tenant/tables.ts';
import { JWKS_MAX_AGE_SECONDS, SKEW_SECONDS, TOKEN_SECONDS } from './names.ts';
import { createSigningKey, KEEP_SECONDS } from './signing-keys.ts';
import { retireSigningKeys, signingKeysOf, type SigningKeyRow } from './store.ts';

/** How long a key is published before it signs, in seconds: another process may serve its old set, and its reader may keep that. */
export const PUBLISHED_AHEAD_SECONDS = KEEP_SECONDS + JWKS_MAX_AGE_SECONDS + SKEW_SECONDS;
/** How long a key is published after its successor signs, in seconds: until the last token by it has ended. */
export const PUBLISHED_AFTER_SECONDS = TOKEN_SECONDS + 2 * SKEW_SECONDS;

/** A rotation that has begun. */
export interface Rotation {
  readonly kid: string;
  readonly activeFrom: Date;
  /** When the keys before it may be retired. */
  readonly retiresAt: Date;
  readonly retiring: readonly string[];
}

/**
 * Begins a rotation (research T7): a new key, published at once, that signs from `activeFrom` on. Until then, and for tokens that it signed, the
 * present key stays. Throws Fault `conflict` while a key waits for its time: two steps at once would help nobody. Records
 * `SIGNING_KEY_ROTATED`. Does not ask whether `actor` may.
 */
export async function rotateSigningKey(
  ctx: TenantWriter,
  secrets: Secrets,
  actor: string,
): Promise<Rotation> {
  // Of two rotations at the same moment the second must see the first one's key.
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
      `The key ${waiting.kid} is published already, and signs from ${new Date(startOf(waiting)).toISOString()} on. Rotate again after that.`,
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
 * Retires every key whose successor has signed for so long that no token by it is good any more. Nothing happens where there is none; run it as
 * often as you like. Records `SIGNING_KEY_RETIRED`.
 */
export async function retireOldSigningKeys(ctx: TenantWriter): Promise<void> {
  const retired = superseded(await signingKeysOf(ctx), ctx.now.getTime());
  if (retired.length === 0) return;
  await retireSigningKeys(ctx, retired);
  for (const kid of retired) ctx.record({ event: 'SIGNING_KEY_RETIRED', actor: 'prokura', data: { kid } });
}

const startOf = (key: SigningKeyRow): number => (key.activeFrom ?? key.createdAt).getTime();

/** Keys below the newest one that has signed for `PUBLISHED_AFTER_SECONDS`; `keys` as `signingKeysOf` orders them. */
function superseded(keys: readonly SigningKeyRow[], nowMs: number): string[] {
  const settled = keys.findIndex((key) => startOf(key) + PUBLISHED_AFTER_SECONDS * 1000 <= nowMs);
  return settled < 0 ? [] : keys.slice(settled + 1).map(({ kid }) => kid);
}
