import { actorName } from '../actor.ts';
import type { WriteContext } from '../context.ts';
import { findPerson } from '../person/store.ts';
import { standingOf } from '../person/standing.ts';
import { Fault } from '#lib/fault.ts';
import { newId } from '#lib/id.ts';
import { agentKeyFrom, type AgentKey } from './key.ts';
import { insertAgent } from './store.ts';

/** Reads the text of a JSON Web Key; Fault `invalid_input` for anything that is not a good public key. */
export function parseAgentKey(text: string): AgentKey {
  let jwk: unknown;
  try {
    jwk = JSON.parse(text);
  } catch (cause) {
    const detail = { problems: [{ field: 'public_key', problem: 'not JSON' }] };
    throw new Fault(
      'invalid_input',
      'The public key must be a JSON Web Key: {"kty":"EC","crv":"P-256","x":"…","y":"…"}.',
      { cause, detail },
    );
  }
  return agentKeyFrom(jwk);
}

/** Makes an agent with its first key, in the caller's transaction. Names are unique without regard to case; the owner must be in good standing. */
export async function registerAgent(
  ctx: WriteContext,
  input: { name: string; owner: string; scopes: readonly string[]; public_key: string },
) {
  const key = parseAgentKey(input.public_key);
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
      createdAt: ctx.now,
      updatedAt: ctx.now,
    },
    { kid: key.kid, alg: key.alg, publicJwk: key.publicJwk },
  );
  ctx.record({
    event: 'AGENT_REGISTERED',
    actor: actorName(ctx.actor),
    data: { agent: id, name: input.name, owner: owner.id, scopes, kid: key.kid },
  });
  ctx.emit({ name: 'agent.registered', thing: id });
  return { agent_id: id, name: input.name, owner: owner.displayName, scopes, kid: key.kid };
}
