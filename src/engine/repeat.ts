import type { Actor } from '#domain/actor.ts';
import { claimRepeat, findRepeat, type Repeatable } from '#domain/call/repeats.ts';
import type { TenantWriter } from '#domain/context.ts';
import { canonicalJson } from '#lib/json.ts';
import type { App } from './app.ts';
import { callerOf } from './caller.ts';
import { readonly } from './transact.ts';

/**
 * Identifies what a caller sent under an idempotency key. The same key of another caller is a different key.
 * `request` must be JSON; other member order makes it a different request.
 */
export const repeatableOf = (
  app: Pick<App, 'secrets'>,
  sent: { tenantId: string; actor: Actor; idempotencyKey: string; request: unknown },
): Repeatable => {
  const { tenantId, actor, idempotencyKey, request } = sent;
  const who = { tenantId, ...callerOf(actor) };
  return {
    key: app.secrets.digest(canonicalJson({ ...who, idempotencyKey })),
    // JSON text, not canonical JSON: it keeps the members as sent, and it can hold lone surrogates.
    request: app.secrets.digest(canonicalJson({ ...who, request: JSON.stringify(request) })),
  };
};

/** Thrown inside a transaction to undo it, because the same request was committed at the same moment. */
export class Repeated extends Error {
  readonly callId: string | null;

  constructor(callId: string | null) {
    super('the same request was begun before');
    this.name = 'Repeated';
    this.callId = callId;
  }
}

/**
 * Binds a call to the key in the transaction that saves it. Throws `Repeated` if the key was claimed
 * meanwhile.
 */
export async function bindRepeat(
  ctx: TenantWriter,
  repeatable: Repeatable | null,
  callId: string,
): Promise<void> {
  if (repeatable === null || (await claimRepeat(ctx, repeatable, callId))) return;
  throw new Repeated((await findRepeat(ctx, repeatable))?.callId ?? null);
}

/**
 * The id of the call that the key is already bound to, or null. Throws Fault `conflict` if the key came with
 * another request.
 */
export async function repeatedCall(
  app: App,
  tenantId: string,
  repeatable: Repeatable | null,
): Promise<string | null> {
  if (repeatable === null) return null;
  const found = await readonly(app, tenantId, (reader) => findRepeat(reader, repeatable));
  return found?.callId ?? null;
}
