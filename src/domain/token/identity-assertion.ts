import type { RemoteKeys } from '#lib/jwks.ts';
import { isNumericDate, parseJwt, verifyJws, type ParsedJwt } from '#lib/jwt.ts';
import { constraintsIn } from './details.ts';
import type { Subject } from './grant.ts';
import { SKEW_SECONDS } from './names.ts';
import { OAuthError } from './oauth-error.ts';
import { tokenName } from './one-time.ts';
import { parseScope } from './scope.ts';

const TYPES = new Set(['oauth-id-jag+jwt', 'application/oauth-id-jag+jwt']);

const refuse = (reason: string, description: string): OAuthError =>
  new OAuthError('invalid_grant', `assertion_${reason}`, `assertion: ${description}`);

/** Who takes the assertion, and from whom. */
export interface AssertionExpectations {
  /** Our issuer identifier, which the assertion must be for. */
  readonly issuer: string;
  /** The authenticated client, which the assertion must have been made for. */
  readonly agentId: string;
  /** Thumbprint of the key that the request proves (RFC 9449 section 4.3); null where it proves none. */
  readonly provedKey: string | null;
  /** Issuers that this tenant trusts now; asked only when everything cheap has passed. */
  readonly trusted: () => Promise<readonly string[]>;
  /** Seconds since 1970. */
  readonly now: number;
}

/**
 * Verifies an Identity Assertion JWT Authorization Grant (draft-ietf-oauth-identity-assertion-authz-grant; Okta: Cross App Access) and
 * says what it reaches. Its person is `uid` where it has one, or `sub` where Okta's org authorization server made it: the immutable id,
 * never a login. It may be presented again until it ends, by the same client, as the draft allows; one that is bound to a key (`cnf.jkt`, RFC 7800
 * section 3.1, RFC 9449 section 6.1) only with a proof by that key. Who acted before is not taken from it: `act` is always the
 * authenticated client (T20). Throws OAuthError `invalid_grant` (RFC 7523 section 3.1), and Fault `unavailable` where
 * the issuer's keys cannot be had.
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
  // An assertion that we made ourselves is never taken (draft, section on processing rules); our issuer is in nobody's list.
  const issuer = (await expected.trusted()).find((one) => one === iss && one !== expected.issuer);
  if (issuer === undefined)
    throw refuse('issuer', 'its issuer is not an identity provider of this organisation.');
  const isOrg = new URL(issuer).pathname === '/';
  // Okta's custom authorization servers put the login into `sub`, which can be given to somebody else.
  if (jwt.claims['uid'] === undefined && !isOrg)
    throw refuse('no_person', 'its issuer must say in uid who the employee is: sub is a login there.');
  const key = await keys.key(
    { issuer, fallbackJwksUri: `${issuer}${isOrg ? '/oauth2' : ''}/v1/keys` },
    kid,
    alg,
  );
  if (key === null) throw refuse('key_unknown', 'it names a signing key that its issuer does not publish.');
  if (!verifyJws(key, jwt.signed, jwt.signature)) throw refuse('signature', 'its signature does not hold.');
  return subject;
}

function readClaims(jwt: ParsedJwt, expected: AssertionExpectations): Subject {
  const { claims } = jwt;
  const { uid = claims['sub'], aud, exp, iat, nbf, jti, client_id: clientId } = claims;
  if (aud !== expected.issuer && !(Array.isArray(aud) && aud.length === 1 && aud[0] === expected.issuer))
    throw refuse('audience', `its aud must be ${expected.issuer} alone.`);
  if (clientId !== expected.agentId)
    throw refuse('client', 'its client_id is not the client that presents it.');
  if (!isNumericDate(exp) || exp + SKEW_SECONDS <= expected.now)
    throw refuse(
      'expired',
      'it has expired, or does not say when it does. Ask the identity provider for a new one.',
    );
  const early = (moment: unknown) => !isNumericDate(moment) || moment > expected.now + SKEW_SECONDS;
  if (early(iat) || (nbf !== undefined && early(nbf)))
    throw refuse('not_yet_valid', 'it is not valid yet. Check the clocks.');
  if (typeof jti !== 'string' || jti === '') throw refuse('jti', 'it has no jti.');
  if (typeof uid !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(uid))
    throw refuse('no_person', 'its sub must be the id of the employee at the identity provider.');
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

/** Whoever cannot prove the key has copied the assertion. A binding that is not of a thumbprint alone is one that we could not keep to. */
function checkBinding(cnf: unknown, provedKey: string | null): void {
  if (cnf === undefined) return;
  const members = typeof cnf === 'object' && cnf !== null ? Object.entries(cnf) : [];
  const [[name, jkt] = [], ...others] = members;
  if (name !== 'jkt' || typeof jkt !== 'string' || others.length > 0)
    throw refuse('binding', 'its cnf must name one key by its thumbprint (jkt), and nothing else.');
  if (provedKey === null)
    throw refuse('key_bound', 'it is bound to a key (cnf). Send a proof by that key in the DPoP header.');
  if (provedKey !== jkt)
    throw refuse('key', 'it is bound to another key (cnf) than the one that the DPoP proof is by.');
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
    throw refuse('resource', 'its resource must be an address, or a list of addresses.');
  return list;
}

function readConstraints(details: unknown) {
  try {
    return constraintsIn(details);
  } catch {
    // What cannot be read cannot be honoured, and it was meant to narrow.
    throw refuse('details', 'its authorization_details are not ones that this server can keep to.');
  }
}
