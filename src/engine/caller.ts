import { isByToken, principalOf, type Actor } from '#domain/actor.ts';

/** Who asks, as far as two questions are the same question: ids only, nothing of the token or the sign-in. */
export const callerOf = (actor: Actor): Readonly<Record<string, string | null>> => ({
  kind: actor.kind,
  principal: principalOf(actor),
  agent: actor.kind === 'agent' ? actor.agentId : null,
  mandate: actor.kind === 'agent' ? actor.mandateId : null,
  // What a person asked through a client is another question than the same from their own hand.
  ...(actor.kind === 'person' && actor.through !== undefined ? { client: actor.through.clientId } : {}),
  // So is what a bearer token asked in their name: it waits for them, and their own question does not wait with it.
  ...(actor.kind === 'person' && isByToken(actor) ? { token_of: actor.identity['cid'] ?? '' } : {}),
  ...(actor.kind === 'service' ? { apiKey: actor.keyId } : {}),
});
