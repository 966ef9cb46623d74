import { actorName } from '../actor.ts';
import type { TenantReader, WriteContext } from '../context.ts';
import { findPerson } from '../person/store.ts';
import { standingOf } from '../person/standing.ts';
import { requireKnownScopes } from '../scope/rules.ts';
import { Fault } from '#lib/fault.ts';
import { newId } from '#lib/id.ts';
import type { NewCredentials } from './credentials.ts';
import { checkJwksUrl } from './jwks-url.ts';
import { parseAgentKeys } from './key.ts';
import { insertAgent } from './store.ts';

/** Credentials as they are typed: keys as the text of a JSON Web Key or a JWK Set, or the address where they are published. */
export interface TypedCredentials {
  readonly public_key?: string | undefined;
  readonly jwks_url?: string | undefined;
}

/** Reads typed credentials; null where none were given. Fault `invalid_input` for both at once, and for anything that is not good. */
export async function readCredentials(
  reader: TenantReader,
  typed: TypedCredentials,
): Promise<NewCredentials | null> {
  if (typed.public_key !== undefined && typed.jwks_url !== undefined)
    throw new Fault('invalid_input', 'Give public keys, or the address where they are published, not both.');
  if (typed.jwks_url !== undefined) return { jwksUrl: await checkJwksUrl(reader, typed.jwks_url) };
  return typed.public_key === undefined ? null : { keys: parseAgentKeys(typed.public_key) };
}

/**
 * Makes an agent, in the caller's transaction. Names are unique without regard to case; the owner must be in good standing. Without
 * credentials it can prove nothing until it is given some (keys, or a generated secret).
 */
export async function registerAgent(
  ctx: WriteContext,
  input: { name: string; owner: string; scopes: readonly string[] } & TypedCredentials,
) {
  await requireKnownScopes(ctx, input.scopes);
  const given = await readCredentials(ctx, input);
  const keys = given !== null && 'keys' in given ? given.keys : [];
  const jwksUrl = given !== null && 'jwksUrl' in given ? given.jwksUrl : null;
  // Held until the commit: an owner who is leaving offers every agent of theirs, and must see this one.
  const owner = await findPerson(ctx, input.owner, 'share');
  if (owner === null || standingOf(owner) !== null)
    throw new Fault('conflict', 'The owner must be an active person.');
  const id = newId('agt', ctx.now.getTime());
  const scopes = [...new Set(input.scopes)].sort();
  await insertAgent(
    ctx,
    {
      tenantId: ctx.tenantId,
      id,
      name: input.name,
      ownerId: owner.id,
      ceiling: scopes,
      jwksUrl,
      createdAt: ctx.now,
      updatedAt: ctx.now,
    },
    keys,
  );
  const kids = keys.map((key) => key.kid);
  ctx.record({
    event: 'AGENT_REGISTERED',
    actor: actorName(ctx.actor),
    data: {
      agent: id,
      name: input.name,
      owner: owner.id,
      scopes,
      kids,
      ...(jwksUrl === null ? {} : { jwks_url: jwksUrl }),
    },
  });
  ctx.emit({ name: 'agent.registered', thing: id });
  return {
    agent_id: id,
    name: input.name,
    owner: owner.displayName,
    scopes,
    kid: kids[0] ?? null,
    kids,
    jwks_url: jwksUrl,
  };
}
