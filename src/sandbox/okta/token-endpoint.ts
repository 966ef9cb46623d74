import { createLocalJWKSet, decodeJwt, errors, importJWK, jwtVerify, SignJWT } from 'jose';
import { Hono } from 'hono';
import { errorBody } from './errors.ts';
import type { OktaEnv, Simulation } from './simulation.ts';
import { randomBytes } from 'node:crypto';

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** An OAuth error answer (RFC 6749 section 5.2), in Okta's words. */
class TokenError extends Error {
  readonly error: string;
  readonly status: 400 | 401;
  constructor(error: string, description: string, status: 400 | 401 = 400) {
    super(description);
    this.error = error;
    this.status = status;
  }
}

/**
 * The org authorization server's `/oauth2/v1/token`: client_credentials with private_key_jwt (RFC 7523
 * section 2.2), for the one service app. Every requested scope must be granted. Tokens last one hour and are
 * for the org's own API: no key that verifies them is published. DPoP proofs are accepted and ignored, as for
 * an app that does not require them.
 */
export function orgTokenRoutes(sim: Simulation): Hono<OktaEnv> {
  const app = new Hono<OktaEnv>();
  app.post('/oauth2/v1/token', async (c) => {
    const form = new URLSearchParams(await c.req.text());
    c.header('cache-control', 'no-store');
    try {
      if (form.get('grant_type') !== 'client_credentials')
        throw new TokenError('unsupported_grant_type', 'The grant type is not supported by the server.');
      if (form.get('client_assertion_type') !== ASSERTION_TYPE)
        throw new TokenError('invalid_client', 'Invalid value for "client_assertion_type" parameter.', 401);
      await verifyAssertion(sim, form.get('client_assertion') ?? '', c.req.header('host'));
      const scopes = grantedScopes(sim, form.get('scope') ?? '');
      return c.json({
        token_type: 'Bearer',
        expires_in: 3600,
        access_token: await mintOrgToken(sim, scopes),
        scope: scopes.join(' '),
      });
    } catch (error) {
      if (error instanceof UnknownClient)
        return c.json(errorBody('invalid_client', "Invalid value for 'client_id' parameter."), 401);
      if (error instanceof TokenError)
        return c.json({ error: error.error, error_description: error.message }, error.status);
      throw error;
    }
  });
  return app;
}

class UnknownClient extends Error {}

/**
 * Checks a client assertion. The audience is the URL that was called, and an org has several names (its own,
 * custom domains). So the `Host` header counts as well as the simulator's own URL; a recording proxy in front
 * needs that.
 */
async function verifyAssertion(sim: Simulation, assertion: string, host: string | undefined): Promise<void> {
  const { serviceApp, usedAssertions } = sim.org;
  let claimed: ReturnType<typeof decodeJwt>;
  try {
    claimed = decodeJwt(assertion);
  } catch {
    throw new TokenError('invalid_client', 'The parsing of the client_assertion failed.', 401);
  }
  if (claimed.iss !== serviceApp.clientId || claimed.sub !== serviceApp.clientId) throw new UnknownClient();
  const now = Math.floor(sim.now() / 1000);
  try {
    const { payload } = await jwtVerify(assertion, createLocalJWKSet(serviceApp.jwks), {
      audience: [`${sim.url()}/oauth2/v1/token`, `http://${host}/oauth2/v1/token`],
      currentDate: new Date(sim.now()),
      clockTolerance: 5,
      requiredClaims: ['exp'],
    });
    if (payload.exp! - now > 3600)
      throw new TokenError(
        'invalid_client',
        'The client_assertion token has an expiration too far into the future.',
        401,
      );
    for (const [jti, exp] of usedAssertions) if (exp < now) usedAssertions.delete(jti);
    if (payload.jti !== undefined) {
      if (usedAssertions.has(payload.jti))
        throw new TokenError('invalid_client', 'The client_assertion token has already been used.', 401);
      usedAssertions.set(payload.jti, payload.exp!);
      sim.changed();
    }
  } catch (error) {
    if (error instanceof TokenError) throw error;
    throw new TokenError('invalid_client', describe(error), 401);
  }
}

function describe(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'The client_assertion token is expired.';
  if (error instanceof errors.JWTClaimValidationFailed && error.claim === 'aud')
    return 'The audience claim for client_assertion must be the endpoint invoked for the request.';
  return 'The client_assertion signature is invalid.';
}

function grantedScopes(sim: Simulation, text: string): string[] {
  const scopes = text.split(' ').filter((scope) => scope !== '');
  if (scopes.length === 0)
    throw new TokenError(
      'invalid_scope',
      "The authorization server resource does not have any configured default scopes, 'scope' must be provided.",
    );
  if (!scopes.every((scope) => sim.org.serviceApp.scopes.includes(scope))) {
    throw new TokenError(
      'invalid_scope',
      'One or more scopes are not configured for the authorization server resource.',
    );
  }
  return scopes;
}

/** A token of the org server for the service app. `iss` and `aud` are the org's URL. */
export async function mintOrgToken(
  sim: Simulation,
  scopes: readonly string[],
  ttlSeconds = 3600,
): Promise<string> {
  const { keys, serviceApp } = sim.org;
  const now = Math.floor(sim.now() / 1000);
  return await new SignJWT({ ver: 1, cid: serviceApp.clientId, scp: [...scopes], sub: serviceApp.clientId })
    .setProtectedHeader({ kid: keys.org.kid, alg: 'RS256' })
    .setJti(`AT.${randomBytes(32).toString('base64url')}`)
    .setIssuer(sim.url())
    .setAudience(sim.url())
    .setIssuedAt(now)
    .setExpirationTime(now + ttlSeconds)
    .sign(await importJWK(keys.org.privateJwk, 'RS256'));
}
