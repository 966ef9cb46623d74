import { isDeepStrictEqual } from 'node:util';
import { LRUCache } from 'lru-cache';
import { sha256 } from '#lib/crypto.ts';
import { Fault } from '#lib/fault.ts';
import { isId } from '#lib/id.ts';
import { encodeHeader, isNumericDate, parseJwt, signJwt, verifyJws, type EncodedHeader } from '#lib/jwt.ts';
import { constraintsIn, constraintsOf, type Constraints } from '../grant/details.ts';
import type { Act } from '../grant/grant.ts';
import { isClientClaims, type ClientClaims } from './client-token.ts';
import {
  epochsOf,
  hotMandateStanding,
  partiesStanding,
  subjectOf,
  type HotMandate,
} from '../grant/hot-mandate.ts';
import { SKEW_SECONDS, tenantOfIssuer } from '../names.ts';
import { scopesFor } from '../grant/resource.ts';
import { parseScope } from '../grant/scope.ts';
import type { Signer, SigningKeys } from '../keys/signing-keys.ts';

/** A delegation token. Its signature and claims are valid, and it is in force now. */
export interface VerifiedDelegation {
  readonly kind: 'delegation';
  readonly tenantId: string;
  readonly agentId: string;
  readonly agentName: string;
  /** The person who owns the agent. */
  readonly ownerId: string;
  /** The principal. */
  readonly personId: string;
  /** For example `oidc:okta:<uid>`. */
  readonly subject: string;
  readonly mandateId: string;
  readonly scopes: readonly string[];
  /**
   * Limits of the token in addition to its scopes, if narrower than those of its mandate. Null: the
   * mandate's apply.
   */
  readonly constraints: Constraints | null;
  /** Every agent in its chain, starting with the one that presents it. */
  readonly actors: readonly string[];
  readonly audience: string;
  readonly jti: string;
  readonly expiresAt: Date;
}

/**
 * The claims that all of our delegation tokens have, with their types. Other claims are kept but not read.
 */
export interface DelegationClaims extends Readonly<Record<string, unknown>> {
  readonly iss: string;
  readonly sub: string;
  readonly aud: string;
  readonly client_id: string;
  readonly iat: number;
  readonly exp: number;
  readonly jti: string;
  readonly scope: string;
  readonly mandate_id: string;
  readonly epoch: readonly number[];
}

/**
 * A delegation token with a valid signature and shape. Its times, audience and standing have not been
 * checked.
 */
export interface SignedDelegation {
  readonly kind: 'delegation';
  readonly tenantId: string;
  readonly kid: string;
  readonly claims: DelegationClaims;
}

/** The same for a token that a person's own client holds. */
export interface SignedClient {
  readonly kind: 'client';
  readonly tenantId: string;
  readonly kid: string;
  readonly claims: ClientClaims;
}

/** A token of ours whose signature is valid. */
export type SignedToken = SignedDelegation | SignedClient;

const refuse = (reason: string, message: string): Fault =>
  new Fault('unauthenticated', message, { detail: { reason } });
const AGAIN = 'Exchange the access token of the employee for a new delegation token.';

/** Signs the claims as an RFC 9068 access token. */
export const signDelegation = (claims: Readonly<Record<string, unknown>>, signer: Signer): string =>
  signJwt(headerOf(signer), claims, signer.privateKey);

const headers = new WeakMap<Signer, EncodedHeader>();

function headerOf(signer: Signer): EncodedHeader {
  const kept = headers.get(signer);
  if (kept !== undefined) return kept;
  const header = encodeHeader({ typ: 'at+jwt', alg: 'ES256', kid: signer.kid });
  headers.set(signer, header);
  return header;
}

/** The number of signatures that are remembered, and the total length of their tokens in bytes. */
const REMEMBERED = { max: 10_000, maxSize: 16 * 1024 * 1024 };

/**
 * Creates the signature check for our tokens. `check` throws Fault `unauthenticated` if we did not sign the
 * token. A valid signature is remembered by the SHA-256 of the whole token for as long as its key is
 * published. What the token allows is never remembered, and `check` does not look at times, audience or
 * standing.
 */
export function createSignatureCheck(
  baseUrl: string,
  keys: SigningKeys,
): { check(token: string): Promise<SignedToken>; flush(): void } {
  const held = new LRUCache<string, SignedToken>(REMEMBERED);

  async function verifySignature(token: string): Promise<SignedToken> {
    const jwt = parseJwt(token);
    if (jwt === null) throw refuse('malformed', `The token is not a signed JWT in compact form. ${AGAIN}`);
    const { typ, alg, kid } = jwt.header as Record<'typ' | 'alg' | 'kid', unknown>;
    if (typ !== 'at+jwt' || alg !== 'ES256' || typeof kid !== 'string') {
      throw refuse(
        'type',
        `This is not a delegation token. Use tokens of identity providers only at the token endpoint. ${AGAIN}`,
      );
    }
    const tenantId = tenantOfIssuer(baseUrl, jwt.claims['iss']);
    if (tenantId === null) throw refuse('issuer', `The token is from another issuer. ${AGAIN}`);
    const claims = jwt.claims;
    const client = isClientClaims(claims) ? claims : null;
    if (client === null && !isWhole(claims))
      throw refuse('malformed', `The token lacks a required claim. ${AGAIN}`);
    const key = await keys.verifier(tenantId, kid);
    if (key === null)
      throw refuse('key_unknown', `The signing key of the token is no longer in use. ${AGAIN}`);
    if (!verifyJws(key, jwt.signed, jwt.signature))
      throw refuse('signature', `The signature of the token is invalid. ${AGAIN}`);
    return client === null
      ? { kind: 'delegation', tenantId, kid, claims: claims as DelegationClaims }
      : { kind: 'client', tenantId, kid, claims: client };
  }

  return {
    check: async (token) => {
      const digest = sha256(token);
      const known = held.get(digest);
      if (known !== undefined && (await keys.verifier(known.tenantId, known.kid)) !== null) return known;
      held.delete(digest);
      const fresh = await verifySignature(token);
      held.set(digest, fresh, { size: digest.length + token.length });
      return fresh;
    },
    flush: () => held.clear(),
  };
}

/** Checks audience and times (RFC 9068 section 4). Throws Fault `unauthenticated`. */
export function checkClaims(
  claims: DelegationClaims | ClientClaims,
  /** Null: any audience. `checkStanding` then checks that the tenant has it. */
  audiences: readonly string[] | null,
  now: Date,
): void {
  const seconds = now.getTime() / 1000;
  if (audiences?.includes(claims.aud) === false) {
    throw refuse(
      'audience',
      `The token is for ${claims.aud}, not for ${audiences.join(' or ')}. Request the right audience in the exchange.`,
    );
  }
  if (claims.exp + SKEW_SECONDS <= seconds) throw refuse('expired', `The token has expired. ${AGAIN}`);
  const nbf = claims['nbf'];
  if (
    claims.iat > seconds + SKEW_SECONDS ||
    (nbf !== undefined && (!isNumericDate(nbf) || nbf > seconds + SKEW_SECONDS))
  ) {
    throw refuse('not_yet_valid', 'The token is not valid yet. Check that the clocks agree.');
  }
}

/**
 * Checks that everything the token depends on is still in force. `row` must have been read after the request
 * arrived (law 4). Throws Fault `unauthenticated`.
 */
export function checkStanding(
  baseUrl: string,
  signed: SignedDelegation,
  row: HotMandate | null,
  now: Date,
): VerifiedDelegation {
  const { claims } = signed;
  if (row === null || row.agent_id !== claims.client_id || subjectOf(row) !== claims.sub) {
    throw refuse(
      'no_such_mandate',
      'The mandate behind this token no longer exists. Ask the employee for a new one.',
    );
  }
  const why = partiesStanding(row) ?? hotMandateStanding(row, now, false);
  if (why !== null) throw refuse(why.code, why.message);
  const epochs = epochsOf(row);
  if (epochs.length !== claims.epoch.length || epochs.some((epoch, index) => epoch !== claims.epoch[index])) {
    throw refuse(
      'revoked',
      `The token is invalid because something it depends on has changed since it was issued. ${AGAIN}`,
    );
  }
  const scopes = parseScope(claims.scope) ?? [];
  // Checked again, like everything else: a resource server may have been removed or may have other scopes
  // now.
  const carries = scopesFor(baseUrl, signed.tenantId, claims.aud, row.resource_servers);
  if (carries === null || !scopes.every(carries))
    throw refuse(
      'audience',
      `The token is for ${claims.aud}, but its scopes do not belong to that resource. ${AGAIN}`,
    );
  if (tokensBehind(claims).some((jti) => row.denied.includes(jti)))
    throw refuse('token_revoked', `The token, or the token it was exchanged from, was revoked. ${AGAIN}`);
  return {
    kind: 'delegation',
    tenantId: signed.tenantId,
    agentId: row.agent_id,
    agentName: row.agent_name,
    ownerId: row.owner_id,
    personId: row.person_id,
    subject: claims.sub,
    mandateId: row.mandate_id,
    scopes,
    constraints: findNarrower(row, claims['authorization_details']),
    actors: actorsOf(claims['act'] as Act | undefined),
    audience: claims.aud,
    jti: claims.jti,
    expiresAt: new Date(claims.exp * 1000),
  };
}

/** The `jti` of the token and of every token of ours that it was made from. It ends with any of them. */
export const tokensBehind = (claims: DelegationClaims): readonly string[] => [
  claims.jti,
  ...derivedFrom(claims),
];

/** The `jti`s of the tokens of ours that a token was made from. */
const derivedFrom = (claims: Readonly<Record<string, unknown>>): readonly string[] =>
  Array.isArray(claims['derived_from']) ? (claims['derived_from'] as string[]) : [];

/** The agents in an `act` claim, the present one first. */
export function actorsOf(act: Act | undefined): string[] {
  const actors: string[] = [];
  for (let one = act; one !== undefined; one = one.act) actors.push(one.sub);
  return actors;
}

function findNarrower(row: HotMandate, details: unknown): Constraints | null {
  const read = constraintsIn(details);
  if (read === null) return null;
  const { resources, tools, amount } = read;
  const constraints = { resources, tools, amount };
  return isDeepStrictEqual(constraints, constraintsOf(row)) ? null : constraints;
}

function isWhole(claims: Readonly<Record<string, unknown>>): boolean {
  const texts = ['iss', 'sub', 'aud', 'client_id', 'jti', 'scope', 'mandate_id'];
  const epoch = claims['epoch'];
  return (
    texts.every((name) => typeof claims[name] === 'string') &&
    isNumericDate(claims['iat']) &&
    isNumericDate(claims['exp']) &&
    isId('mdt', claims['mandate_id'] as string) &&
    Array.isArray(epoch) &&
    epoch.length >= 4 &&
    epoch.length % 2 === 0 &&
    epoch.every((one) => Number.isSafeInteger(one))
  );
}
