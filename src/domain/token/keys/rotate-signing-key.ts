import { z } from 'zod';
import { Fault } from '#lib/fault.ts';
import type { TenantReader, TenantWriter, WriteContext } from '../../context.ts';
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

/** A rotation that has begun, as it is answered. */
export const RotatedSigningKey = z.object({
  kid: z.string(),
  active_from: z.iso.datetime().describe('When it starts to sign. It is already in the JWKS.'),
  retiring: z.array(z.string()).describe('Keys that stay in the JWKS until `retires_at`.'),
  retires_at: z.iso.datetime(),
});

/** Converts a rotation to that form. */
export const rotationView = (rotation: Rotation): z.infer<typeof RotatedSigningKey> => ({
  kid: rotation.kid,
  active_from: rotation.activeFrom.toISOString(),
  retiring: [...rotation.retiring],
  retires_at: rotation.retiresAt.toISOString(),
});

/** A rotation that has begun. */
export interface Rotation {
  readonly kid: string;
  readonly activeFrom: Date;
  /** When the earlier keys may be retired. */
  readonly retiresAt: Date;
  readonly retiring: readonly string[];
}

/**
 * The keys that a rotation would retire. Throws Fault `conflict` if a new key is still waiting for its time.
 */
export async function signingKeysToRetire(reader: TenantReader): Promise<string[]> {
  const keys = await signingKeysOf(reader);
  const waiting = keys.find((key) => startOf(key) > reader.now.getTime());
  if (waiting !== undefined) {
    throw new Fault(
      'conflict',
      `The key ${waiting.kid} is already published and signs from ${new Date(startOf(waiting)).toISOString()}. Rotate again after that.`,
    );
  }
  return keys.map(({ kid }) => kid);
}

/**
 * Begins a rotation: a new key is published at once and signs from `activeFrom` on. The present key signs
 * until then, and stays published for its tokens. Throws Fault `conflict` if a new key is still waiting for
 * its time. Records `SIGNING_KEY_ROTATED`. The caller holds the tenant, so that the second of two rotations
 * sees the key of the first.
 */
export async function rotateSigningKey(
  ctx: TenantWriter,
  seal: WriteContext['seal'],
  by: { readonly actor: string; readonly callId: string },
): Promise<Rotation> {
  const retiring = await signingKeysToRetire(ctx);
  const activeFrom = new Date(ctx.now.getTime() + PUBLISHED_AHEAD_SECONDS * 1000);
  const kid = await createSigningKey(ctx, { seal }, activeFrom);
  const retiresAt = new Date(activeFrom.getTime() + PUBLISHED_AFTER_SECONDS * 1000);
  ctx.record({
    event: 'SIGNING_KEY_ROTATED',
    actor: by.actor,
    data: {
      kid,
      active_from: activeFrom.toISOString(),
      retiring,
      retires_at: retiresAt.toISOString(),
      call_id: by.callId,
    },
  });
  return { kid, activeFrom, retiresAt, retiring };
}

/**
 * Retires every key whose successor has signed for so long that all of its tokens have ended. Safe to run at
 * any time; does nothing if there is no such key. Records `SIGNING_KEY_RETIRED`.
 */
export async function retireOldSigningKeys(ctx: TenantWriter): Promise<void> {
  const retired = findSuperseded(await signingKeysOf(ctx), ctx.now.getTime());
  if (retired.length === 0) return;
  await retireSigningKeys(ctx, retired);
  for (const kid of retired) ctx.record({ event: 'SIGNING_KEY_RETIRED', actor: 'prokura', data: { kid } });
}

const startOf = (key: SigningKeyRow): number => (key.activeFrom ?? key.createdAt).getTime();

/**
 * The keys older than the newest key that has signed for `PUBLISHED_AFTER_SECONDS`. `keys` in the order of
 * `signingKeysOf`.
 */
function findSuperseded(keys: readonly SigningKeyRow[], nowMs: number): string[] {
  const settled = keys.findIndex((key) => startOf(key) + PUBLISHED_AFTER_SECONDS * 1000 <= nowMs);
  return settled < 0 ? [] : keys.slice(settled + 1).map(({ kid }) => kid);
}
