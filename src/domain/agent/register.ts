import { actorName } from '../actor.ts';
import type { TenantReader, TenantWriter, WriteContext } from '../context.ts';
import { findPerson } from '../person/store.ts';
import { standingOf } from '../person/standing.ts';
import { requireKnownScopes } from '../scope/rules.ts';
import { holdTenant } from '../tenant/store.ts';
import { isDuplicate } from '#db/reach.ts';
import { Fault } from '#lib/fault.ts';
import { newId } from '#lib/id.ts';
import { partsOf, unproven, type NewCredentials } from './credentials.ts';
import { checkJwksUrl } from './jwks-url.ts';
import { parseAgentKeys } from './key.ts';
import { checkSpiffeId, claimed } from './spiffe-id.ts';
import { agentByReference, insertAgent } from './store.ts';

/**
 * Credentials as people type them: the text of a JSON Web Key or a JWK Set, the address of a JWKS, or a
 * SPIFFE ID.
 */
export interface TypedCredentials {
  readonly public_key?: string | undefined;
  readonly jwks_url?: string | undefined;
  readonly spiffe_id?: string | undefined;
}

/** Locks until the commit what typed credentials depend on: the trust bundle of a SPIFFE ID. */
export async function pinCredentials(ctx: TenantWriter, typed: TypedCredentials): Promise<void> {
  if (typed.spiffe_id !== undefined) await holdTenant(ctx, 'share');
}

/**
 * Reads typed credentials for the agent `agentId`, or for a new agent if that is null. Null if none were
 * given. Fault `invalid_input` for two kinds at once or an invalid one, `conflict` for a SPIFFE ID that
 * another agent has.
 */
export async function readCredentials(
  reader: TenantReader,
  typed: TypedCredentials,
  agentId: string | null,
): Promise<NewCredentials | null> {
  const given = ([typed.public_key, typed.jwks_url, typed.spiffe_id] as const).filter(
    (one) => one !== undefined,
  );
  if (given.length > 1)
    throw new Fault('invalid_input', 'Give exactly one of public_key, jwks_url and spiffe_id.', {
      field: typed.spiffe_id === undefined ? 'jwks_url' : 'spiffe_id',
    });
  if (typed.spiffe_id !== undefined)
    return { spiffeId: await checkSpiffeId(reader, typed.spiffe_id, agentId) };
  if (typed.jwks_url !== undefined) return { jwksUrl: await checkJwksUrl(reader, typed.jwks_url) };
  return typed.public_key === undefined ? null : { keys: parseAgentKeys(typed.public_key) };
}

/** Throws Fault `conflict` if an agent has the name already, ignoring case. */
export async function requireFreeName(reader: TenantReader, name: string): Promise<void> {
  if ((await agentByReference(reader, name)) !== null) throw nameTaken(name);
}

const nameTaken = (name: string, cause?: unknown): Fault =>
  new Fault('conflict', `An agent named ${name} already exists. Choose another name.`, {
    field: 'name',
    cause,
  });

/**
 * Registers an agent in the caller's transaction. Names are unique ignoring case, SPIFFE IDs exactly, and
 * the owner must be in good standing; Fault `conflict` otherwise, and faults as in `readCredentials`.
 * Without credentials the agent cannot authenticate until it gets some (keys, a SPIFFE ID or a generated
 * secret). Does not check whether the actor may.
 */
export async function registerAgent(
  ctx: WriteContext,
  input: { name: string; owner: string; scopes: readonly string[] } & TypedCredentials,
) {
  await requireKnownScopes(ctx, input.scopes);
  const { keys, jwksUrl, spiffeId } = partsOf(await readCredentials(ctx, input, null));
  // Locked until the commit: an owner who leaves offers all of their agents to others, so that must see this
  // one.
  const owner = await findPerson(ctx, input.owner, 'share');
  if (owner === null || standingOf(owner) !== null)
    throw new Fault('conflict', 'The owner must be an active person.', { field: 'owner' });
  const id = newId('agt', ctx.now.getTime());
  const scopes = [...new Set(input.scopes)].sort();
  await claimed(
    insertAgent(
      ctx,
      {
        tenantId: ctx.tenantId,
        id,
        name: input.name,
        ownerId: owner.id,
        ceiling: scopes,
        jwksUrl,
        spiffeId,
        createdAt: ctx.now,
        updatedAt: ctx.now,
      },
      keys,
    ),
  ).catch((error: unknown) => {
    throw isDuplicate(error, 'agents_name') ? nameTaken(input.name, error) : error;
  });
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
      ...(spiffeId === null ? {} : { spiffe_id: spiffeId }),
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
    spiffe_id: spiffeId,
    not_yet: unproven({ id, name: input.name, jwksUrl, secretHash: null, spiffeId }, keys),
  };
}
