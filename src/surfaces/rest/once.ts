import { claimRepeat, findRepeat, freeRepeat, keepRepeat, type Repeatable } from '#domain/call/repeats.ts';
import type { App } from '#engine/app.ts';
import { repeatableOf } from '#engine/repeat.ts';
import { readonly, transact } from '#engine/transact.ts';
import { asFault, Fault } from '#lib/fault.ts';
import type { Caller } from './authenticate.ts';

const HEADER = 'idempotency-key';

/**
 * The request's idempotency key (draft-ietf-httpapi-idempotency-key-header), as a quoted string or bare. Null
 * if none was sent. Throws Fault `invalid_input` if it is empty, longer than 255 characters or not printable
 * ASCII.
 */
export function idempotencyKey(request: Request): string | null {
  const sent = request.headers.get(HEADER);
  if (sent === null) return null;
  const key = /^"(.*)"$/.exec(sent)?.[1] ?? sent;
  if (/^[\x21-\x7e]{1,255}$/.test(key)) return key;
  throw new Fault(
    'invalid_input',
    'An Idempotency-Key must have 1 to 255 printable ASCII characters without spaces.',
    {
      detail: { problems: [{ field: 'Idempotency-Key', problem: '1 to 255 printable ASCII characters' }] },
    },
  );
}

/**
 * Runs work that is not a call once per key. A repetition gets the first answer, which is stored sealed,
 * since it may contain a secret that is shown once.
 *
 * Throws Fault `conflict` if the key came with another request, or if the first request has not ended or its
 * answer was lost; then it may or may not have happened. A refused request may be sent again under the same
 * key.
 */
export async function once(
  app: App,
  { tenantId, actor, idempotencyKey: key, keyScopes }: Caller,
  request: Request,
  body: unknown,
  work: () => Promise<Response>,
): Promise<Response> {
  if (key === undefined) return work();
  // With its scopes: the answer may contain a secret, and a token that could not have asked for it must not
  // get it.
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
  if (!answer.ok) {
    await transact(app, tenantId, (ctx) => freeRepeat(ctx, repeatable));
    return answer;
  }
  const kept: Kept = { status: answer.status, text: await answer.clone().text() };
  const location = answer.headers.get('location');
  const sealed = app.secrets.seal(
    JSON.stringify(location === null ? kept : { ...kept, location }),
    repeatable.key,
  );
  await transact(app, tenantId, (ctx) => keepRepeat(ctx, repeatable, sealed));
  return answer;
}

/** An answer as it is stored, sealed. */
interface Kept {
  readonly status: number;
  readonly text: string;
  /** Of the call, if it waits for an approval. */
  readonly location?: string;
}

async function firstAnswer(app: App, tenantId: string, repeatable: Repeatable): Promise<Response> {
  const found = await readonly(app, tenantId, (reader) => findRepeat(reader, repeatable));
  if (found === null || found.answer === null)
    throw new Fault(
      'conflict',
      'The first request with this Idempotency-Key is still running. Wait and repeat it; if this continues, check whether the request took effect.',
      { detail: { reason: 'idempotency_key_in_use' } },
    );
  const { status, text, location } = JSON.parse(app.secrets.unseal(found.answer, repeatable.key)) as Kept;
  const headers: Record<string, string> = location === undefined ? {} : { location };
  return text === ''
    ? new Response(null, { status, headers })
    : new Response(text, { status, headers: { 'content-type': 'application/json', ...headers } });
}
