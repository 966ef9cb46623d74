import type { RemoteKeys } from '#lib/jwks.ts';
import { isNumericDate, parseJwt, verifyJws, type ParsedJwt } from '#lib/jwt.ts';
import { constraintsIn } from '../grant/details.ts';
import type { Subject } from '../grant/grant.ts';
import { SKEW_SECONDS } from '../names.ts';
import { OAuthError } from '../oauth-error.ts';
import { tokenName } from './one-time.ts';
import { parseScope } from '../grant/scope.ts';

const TYPES = new Set(['oauth-id-jag+jwt', 'application/oauth-id-jag+jwt']);

const refuse = (reason: string, description: string): OAuthError =>
  new OAuthError('invalid_grant', `assertion_${reason}`, `assertion: ${description}`);

/** What an assertion must match. */
export interface AssertionExpectations {
  /** Our issuer identifier, which must be its audience. */
  readonly issuer: string;
  /** The authenticated client, which must be its `client_id`. */
  readonly agentId: string;
  /** Thumbprint of the key that the request proves (RFC 9449 section 4.3); null if it proves none. */
  readonly provedKey: string | null;
  /** The issuers that this tenant trusts now. Called only after all cheap checks have passed. */
  readonly trusted: () => Promise<readonly string[]>;
  /** Seconds since 1970. */
  readonly now: number;
}

/**
 * Verifies an Identity Assertion JWT Authorization Grant (draft-ietf-oauth-identity-assertion-authz-grant; at
 * Okta: Cross App Access) and returns what it proves. The person is `uid` if present, or `sub` if Okta's org
 * authorization server issued it: the immutable id, never a login. The same client may present it again until
 * it ends, as the draft allows. If it is bound to a key (`cnf.jkt`, RFC 7800 section 3.1, RFC 9449 section
 * 6.1), it needs a proof by that key. Its own `act` is ignored: the actor is always the authenticated client
 * (T20). Throws OAuthError `invalid_grant` (RFC 7523 section 3.1), and Fault `unavailable` if the issuer's
 * keys cannot be fetched.
 */
export async function proveAssertion(
  token: string,
  expected: AssertionExpectations,
  keys: RemoteKeys,
): Promise<Subject> {
  const jwt = parseJwt(token);
  if (jwt === null) throw refuse('malformed', 'it is not a signed JWT in compact form.');
  const { typ, alg, kid } = jwt.header as Record<'typ' | 'alg' | 'kid', unknown>;
  if (typeof typ !== 'string' || !TYPES.has(typ))
    throw refuse('type', 'its typ must be oauth-id-jag+jwt. Ask the identity provider for an ID-JAG.');
  if (alg !== 'RS256' && alg !== 'ES256') throw refuse('algorithm', 'it must be signed with RS256 or ES256.');
  if (typeof kid !== 'string' || kid === '' || kid.length > 256)
    throw refuse('key_unknown', 'its header does not name its key (kid).');
  const subject = readClaims(jwt, expected);
  checkBinding(jwt.claims['cnf'], expected.provedKey);

  const { iss } = jwt.claims;
  // An assertion that we issued ourselves is never accepted (draft, section on processing rules), even if a
  // tenant lists our issuer.
  const issuer = (await expected.trusted()).find((one) => one === iss && one !== expected.issuer);
  if (issuer === undefined)
    throw refuse('issuer', 'its issuer is not an identity provider of this organisation.');
  const isOrg = new URL(issuer).pathname === '/';
  // Okta's custom authorization servers put the login into `sub`. A login can be reassigned to another
  // person.
  if (jwt.claims['uid'] === undefined && !isOrg)
    throw refuse('no_person', "its sub is a login, so its issuer must send the employee's ID in uid.");
  const key = await keys.key(
    { issuer, fallbackJwksUri: `${issuer}${isOrg ? '/oauth2' : ''}/v1/keys` },
    kid,
    alg,
  );
  if (key === null) throw refuse('key_unknown', 'its issuer does not publish the signing key that it names.');
  if (!verifyJws(key, jwt.signed, jwt.signature)) throw refuse('signature', 'its signature is invalid.');
  return subject;
}

function readClaims(jwt: ParsedJwt, expected: AssertionExpectations): Subject {
  const { claims } = jwt;
  const { uid = claims['sub'], aud, exp, iat, nbf, jti, client_id: clientId } = claims;
  if (aud !== expected.issuer && !(Array.isArray(aud) && aud.length === 1 && aud[0] === expected.issuer))
    throw refuse('audience', `its aud must be ${expected.issuer} and nothing else.`);
  if (clientId !== expected.agentId)
    throw refuse('client', 'its client_id differs from the client that sent it.');
  if (!isNumericDate(exp) || exp + SKEW_SECONDS <= expected.now)
    throw refuse('expired', 'it has expired or has no exp. Get a new one from the identity provider.');
  const early = (moment: unknown) => !isNumericDate(moment) || moment > expected.now + SKEW_SECONDS;
  if (early(iat) || (nbf !== undefined && early(nbf)))
    throw refuse('not_yet_valid', 'it is not valid yet. Check that the clocks agree.');
  if (typeof jti !== 'string' || jti === '') throw refuse('jti', 'it has no jti.');
  if (typeof uid !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(uid))
    throw refuse('no_person', 'its sub must be the ID of the employee at the identity provider.');
  return {
    kind: 'id_jag',
    person: { provider: 'okta', uid },
    scopes: readScopes(claims['scope']),
    constraints: readConstraints(claims['authorization_details']),
    audiences: readResources(claims['resource']),
    issuedAt: iat as number,
    expiresAt: exp,
    parentMandateId: null,
    act: null,
    jtis: [],
    token: tokenName(jwt),
  };
}

/**
 * Without a proof of the key, the client may have copied the assertion. A binding that is more than one
 * thumbprint is refused, because we could not enforce it.
 */
function checkBinding(cnf: unknown, provedKey: string | null): void {
  if (cnf === undefined) return;
  const members = typeof cnf === 'object' && cnf !== null ? Object.entries(cnf) : [];
  const [[name, jkt] = [], ...others] = members;
  if (name !== 'jkt' || typeof jkt !== 'string' || others.length > 0)
    throw refuse('binding', 'its cnf must name one key by its thumbprint (jkt), and nothing else.');
  if (provedKey === null)
    throw refuse('key_bound', 'it is bound to a key (cnf). Send a proof with that key in the DPoP header.');
  if (provedKey !== jkt)
    throw refuse('key', 'it is bound to a different key (cnf) from the one in the DPoP proof.');
}

function readScopes(scope: unknown): readonly string[] | null {
  if (scope === undefined || scope === '') return null;
  const scopes = typeof scope === 'string' ? parseScope(scope) : null;
  if (scopes === null) throw refuse('scope', 'its scope is malformed.');
  return scopes;
}

function readResources(resource: unknown): readonly string[] | null {
  if (resource === undefined) return null;
  const list: unknown[] = Array.isArray(resource) ? resource : [resource];
  if (list.length === 0 || !list.every((one) => typeof one === 'string'))
    throw refuse('resource', 'its resource must be a URL, or a list of URLs.');
  return list;
}

function readConstraints(details: unknown) {
  try {
    return constraintsIn(details);
  } catch {
    // Unreadable details cannot be enforced, and they were meant to narrow.
    throw refuse('details', 'it contains authorization_details that this server cannot enforce.');
  }
}
