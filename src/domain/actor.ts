/**
 * Where a call comes from: the interface that received it, or `job` for work that the server starts itself.
 */
export type Surface = 'slack' | 'mcp' | 'rest' | 'browser' | 'job';

/** A person who acts for themselves. */
export interface PersonActor {
  readonly kind: 'person';
  readonly surface: Surface;
  readonly personId: string;
  /**
   * How the interface identified the person: `{account: 'T1/U1', matched_by: 'email'}` in Slack,
   * `{matched_by: 'access_token', provider, cid}` in REST, `{matched_by: 'okta_sign_in'}` in a browser.
   */
  readonly identity: Readonly<Record<string, string>>;
  /** Scopes of the bearer token that the person presented; absent when the person acts in a session. */
  readonly tokenScopes?: readonly string[];
  /**
   * Id of a step-up (`domain/sign-in/step-up.ts`): proof that the person signed in again for this one
   * decision. It is checked again where it is used up.
   */
  readonly stepUp?: string;
  /**
   * Set when an MCP client that the person signed in to holds the token, so that the person acts *through*
   * it. The call can then use only tools whose scope the person granted to the client. Tools for people only
   * are excluded, and the policies for agents apply.
   */
  readonly through?: { readonly clientId: string; readonly scopes: readonly string[] };
}

/** Whether software makes the call for the person: an agent, or a client that the person signed in to. */
export const isThroughAgent = (actor: Actor): boolean =>
  actor.kind === 'agent' || (actor.kind === 'person' && actor.through !== undefined);

/**
 * Whether the person was identified by an access token of their provider. An agent may hold such a token too,
 * so it does not prove that the person acts themselves.
 */
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
  /**
   * Limits that the token adds to its scopes (RFC 9396). They apply in addition to the mandate's own limits.
   */
  readonly details?: TokenDetails;
}

/** Limits that a delegation token carries. Null means that the token does not limit this field. */
export interface TokenDetails {
  /** Patterns as in `domain/mandate/resources.ts`. */
  readonly resources: readonly string[] | null;
  readonly tools: readonly string[] | null;
  /** The most that one use may be worth: a decimal and an ISO 4217 code. */
  readonly amount: { readonly value: string; readonly currency: string } | null;
}

/** A machine credential of the tenant with a fixed list of tools. It is never a principal and never votes. */
export interface ServiceActor {
  readonly kind: 'service';
  readonly surface: Surface;
  readonly keyId: string;
  readonly name: string;
  readonly tools: readonly string[];
}

/**
 * Who makes a call. Only an interface creates an actor, from what it has verified. The actor is saved with
 * the call, so it holds ids only: no token and no secret.
 */
export type Actor = PersonActor | AgentActor | ServiceActor;

/** The person on whose authority the actor relies, or null for a service. */
export const principalOf = (actor: Actor): string | null =>
  actor.kind === 'service' ? null : actor.personId;

/** The actor as ledger entries name it: by ids for people and agents, by name for a service key. */
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
