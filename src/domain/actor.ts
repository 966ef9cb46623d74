/**
 * Who is calling (design/domain.md, "Actors"). A door makes an Actor from what it has verified; nobody else does.
 * It is saved with the call, so it holds ids only: no token, no secret.
 */
export type Surface = 'slack' | 'mcp' | 'rest' | 'browser' | 'job';

/** A human who acts as themselves. */
export interface PersonActor {
  readonly kind: 'person';
  readonly surface: Surface;
  readonly personId: string;
  /** How the door knows: `{account: 'T1/U1', matched_by: 'email'}` from Slack, `{matched_by: 'access_token', provider, cid}` from REST, `{matched_by: 'okta_sign_in'}` in a browser. */
  readonly identity: Readonly<Record<string, string>>;
  /** The scopes of the bearer token that the person presented (D4); absent where the person acts in a session. */
  readonly tokenScopes?: readonly string[];
  /** Id of a step-up (`domain/sign-in/step-up.ts`), where the person has just proved themselves for one decision; it is looked at again where it is used up. */
  readonly stepUp?: string;
  /**
   * Set where the person's own client (an MCP client that they signed in to) holds the token: they act *through* it. Only tools whose
   * scope the person let it have, none that are for people only, and under the policies for agents.
   */
  readonly through?: { readonly clientId: string; readonly scopes: readonly string[] };
}

/** Whether something other than the human's own hand asks: an agent, or a client that a person signed in to. */
export const isThroughAgent = (actor: Actor): boolean =>
  actor.kind === 'agent' || (actor.kind === 'person' && actor.through !== undefined);

/** Whether the person's word came with an access token of their provider, which an agent may hold too: it is not their own hand. */
export const isByToken = (actor: Actor): boolean =>
  actor.kind === 'person' && actor.tokenScopes !== undefined;

/** An agent that acts for a person under a mandate, with a delegation token. */
export interface AgentActor {
  readonly kind: 'agent';
  readonly surface: Surface;
  readonly agentId: string;
  /** The principal. */
  readonly personId: string;
  readonly mandateId: string;
  /** What the token carries: at most the mandate's scopes. */
  readonly scopes: readonly string[];
  readonly jti: string;
  /** What the token bounds beside its scopes, where that is narrower than the mandate (RFC 9396); it holds beside the mandate's own bounds. */
  readonly details?: TokenDetails;
}

/** Bounds that a delegation token carries. Null: not bounded in this respect. */
export interface TokenDetails {
  /** Patterns as in `domain/mandate/resources.ts`. */
  readonly resources: readonly string[] | null;
  readonly tools: readonly string[] | null;
  /** The most that one use may be worth; a decimal and an ISO 4217 code. */
  readonly amount: { readonly value: string; readonly currency: string } | null;
}

/** A machine credential of the tenant: never a principal, never a voter; it has a named list of tools. */
export interface ServiceActor {
  readonly kind: 'service';
  readonly surface: Surface;
  readonly keyId: string;
  readonly name: string;
  readonly tools: readonly string[];
}

export type Actor = PersonActor | AgentActor | ServiceActor;

/** The human on whose authority the actor relies, or null for a service. */
export const principalOf = (actor: Actor): string | null =>
  actor.kind === 'service' ? null : actor.personId;

/** The actor as ledger entries name it. */
export function actorName(actor: Actor): string {
  switch (actor.kind) {
    case 'person':
      return actor.through === undefined ? actor.personId : `${actor.through.clientId} for ${actor.personId}`;
    case 'agent':
      return `${actor.agentId} for ${actor.personId}`;
    case 'service':
      return actor.name;
  }
}
