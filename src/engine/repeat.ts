import type { Actor } from '#domain/actor.ts';
import { claimRepeat, findRepeat, type Repeatable } from '#domain/call/repeats.ts';
import type { TenantWriter } from '#domain/context.ts';
import { canonicalJson } from '#lib/json.ts';
import type { App } from './app.ts';
import { callerOf } from './caller.ts';
import { readonly } from './transact.ts';

/** What a caller sent under an idempotency key: the same key of another caller is another key. `request` is JSON; in another order it is another request. */
export const repeatableOf = (
  app: Pick<App, 'secrets'>,
  sent: { tenantId: string; actor: Actor; idempotencyKey: string; request: unknown },
): Repeatable => {
  const { tenantId, actor, idempotencyKey, request } = sent;
  const who = { tenantId, ...callerOf(actor) };
  return {
    key: app.secrets.digest(canonicalJson({ ...who, idempotencyKey })),
    // As it was sent, and with what JSON can hold and its canonical form cannot (lone surrogates).
    request: app.secrets.digest(canonicalJson({ ...who, request: JSON.stringify(request) })),
  };
};

/** Thrown inside of a transaction to undo it: the same request has been committed at this very moment. */
export class Repeated extends Error {
  readonly callId: string | null;

  constructor(callId: string | null) {
    super('the same request was begun before');
    this.name = 'Repeated';
    this.callId = callId;
  }
}

/** Binds a call to the key in the transaction that saves it. Throws `Repeated` where the key was claimed meanwhile. */
export async function bindRepeat(
  ctx: TenantWriter,
  repeatable: Repeatable | null,
  callId: string,
): Promise<void> {
  if (repeatable === null || (await claimRepeat(ctx, repeatable, callId))) return;
  throw new Repeated((await findRepeat(ctx, repeatable))?.callId ?? null);
}

/** Id of the call that the key stands for already, or null. Fault `conflict` where it came with another request. */
export async function repeatedCall(
  app: App,
  tenantId: string,
  repeatable: Repeatable | null,
): Promise<string | null> {
  if (repeatable === null) return null;
  const found = await readonly(app, tenantId, (reader) => findRepeat(reader, repeatable));
  return found?.callId ?? null;
}
