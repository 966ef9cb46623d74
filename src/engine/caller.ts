import { isByToken, principalOf, type Actor } from '#domain/actor.ts';

/**
 * Identifies the caller of a question: two equal results mean that the same caller asks. Contains ids only,
 * nothing of the token or the sign-in.
 */
export const callerOf = (actor: Actor): Readonly<Record<string, string | null>> => ({
  kind: actor.kind,
  principal: principalOf(actor),
  agent: actor.kind === 'agent' ? actor.agentId : null,
  mandate: actor.kind === 'agent' ? actor.mandateId : null,
  // A person's question through a client differs from the same question asked by themselves.
  ...(actor.kind === 'person' && actor.through !== undefined ? { client: actor.through.clientId } : {}),
  // So does one asked by a bearer token in their name: it waits for them, and their own question does not
  // join it.
  ...(actor.kind === 'person' && isByToken(actor) ? { token_of: actor.identity['cid'] ?? '' } : {}),
  ...(actor.kind === 'service' ? { apiKey: actor.keyId } : {}),
});
