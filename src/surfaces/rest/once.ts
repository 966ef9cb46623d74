import { claimRepeat, findRepeat, freeRepeat, keepRepeat, type Repeatable } from '#domain/call/repeats.ts';
import type { App } from '#engine/app.ts';
import { repeatableOf } from '#engine/repeat.ts';
import { readonly, transact } from '#engine/transact.ts';
import { asFault, Fault } from '#lib/fault.ts';
import type { Caller } from './authenticate.ts';

const HEADER = 'idempotency-key';

/**
 * The caller's idempotency key (draft-ietf-httpapi-idempotency-key-header, as a string in quotes or bare), or null where none was sent. Throws
 * Fault `invalid_input` for one that is empty, longer than 255 characters or not printable ASCII.
 */
export function idempotencyKey(request: Request): string | null {
  const sent = request.headers.get(HEADER);
  if (sent === null) return null;
  const key = /^"(.*)"$/.exec(sent)?.[1] ?? sent;
  if (/^[\x21-\x7e]{1,255}$/.test(key)) return key;
  throw new Fault(
    'invalid_input',
    'An Idempotency-Key has 1 to 255 printable ASCII characters without spaces.',
    {
      detail: { problems: [{ field: 'Idempotency-Key', problem: '1 to 255 printable ASCII characters' }] },
    },
  );
}

/**
 * Does what has no call of its own once for each key: a repetition gets the first answer, which is kept sealed, since it may hold a secret that is
 * shown once. Fault `conflict` where the key came with another request, or where the first one has not ended or lost its answer: then it may or may not
 * have happened. What was refused may be sent again under the same key.
 */
export async function once(
  app: App,
  { tenantId, actor, idempotencyKey: key, keyScopes }: Caller,
  request: Request,
  body: unknown,
  work: () => Promise<Response>,
): Promise<Response> {
  if (key === undefined) return work();
  // Its scopes too: the answer may hold a secret, which a token that could not have asked for it does not get.
  const scopes = actor.kind === 'person' ? (actor.tokenScopes ?? []) : keyScopes;
  const asked = { method: request.method, path: new URL(request.url).pathname, body, scopes };
  const repeatable = repeatableOf(app, { tenantId, actor, idempotencyKey: key, request: asked });
  const fresh = await transact(app, tenantId, (ctx) => claimRepeat(ctx, repeatable, null));
  if (!fresh) return firstAnswer(app, tenantId, repeatable);
  let answer: Response;
  try {
    answer = await work();
  } catch (error) {
    const { code } = asFault(error);
    if (code !== 'internal' && code !== 'unavailable')
      await transact(app, tenantId, (ctx) => freeRepeat(ctx, repeatable));
    throw error;
  }
  const text = await answer.clone().text();
  const sealed = app.secrets.seal(JSON.stringify({ status: answer.status, text }), repeatable.key);
  await transact(app, tenantId, (ctx) => keepRepeat(ctx, repeatable, sealed));
  return answer;
}

async function firstAnswer(app: App, tenantId: string, repeatable: Repeatable): Promise<Response> {
  const found = await readonly(app, tenantId, (reader) => findRepeat(reader, repeatable));
  if (found === null || found.answer === null)
    throw new Fault(
      'conflict',
      'The first request with this Idempotency-Key has not been answered yet. Wait and repeat it; if this stays so, look whether it happened.',
      { detail: { reason: 'idempotency_key_in_use' } },
    );
  const { status, text } = JSON.parse(app.secrets.unseal(found.answer, repeatable.key)) as {
    status: number;
    text: string;
  };
  return text === ''
    ? new Response(null, { status })
    : new Response(text, { status, headers: { 'content-type': 'application/json' } });
}
