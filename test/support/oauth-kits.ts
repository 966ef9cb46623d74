import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import type { JWK } from 'jose';

/** A token endpoint's answer, as a client library returns it. */
export interface Tokens {
  readonly access_token: string;
  readonly refresh_token?: string | undefined;
  readonly token_type: string;
  readonly scope?: string | undefined;
}

/** An authorization request in progress: the address for the browser, and what redeems the answer. */
export interface SigningIn {
  readonly address: URL;
  readonly finish: (back: URL) => Promise<Tokens>;
}

/** A client of an issuer, used by an unmodified library, with a DPoP key if requested. */
export interface OAuthClient {
  grant(grantType: string, parameters: Record<string, string>): Promise<Tokens>;
  /** Code with PKCE, `state` and the RFC 9207 check. `pushed` uses PAR. */
  signIn(parameters: Record<string, string>, pushed?: boolean): Promise<SigningIn>;
  refresh(token: string): Promise<Tokens>;
  introspect(token: string): Promise<Record<string, unknown>>;
  revoke(token: string): Promise<void>;
  /** The status of a request with the token. */
  use(token: string, url: string): Promise<number>;
}

export interface ClientOf {
  readonly issuer: string;
  readonly clientId: string;
  /** Null for a client without credentials. */
  readonly key: JWK | null;
  readonly dpop: boolean;
}

const insecure = { [oauth.allowInsecureRequests]: true };

async function signingKey(jwk: JWK): Promise<oauth.PrivateKey> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
  return { key: await crypto.subtle.importKey('jwk', jwk, algorithm, false, ['sign']), kid: jwk.kid ?? '' };
}

async function byOauth4webapi({ issuer, clientId, key, dpop }: ClientOf): Promise<OAuthClient> {
  const url = new URL(issuer);
  const as = await oauth.processDiscoveryResponse(
    url,
    await oauth.discoveryRequest(url, { algorithm: 'oauth2', ...insecure }),
  );
  const client: oauth.Client = { client_id: clientId };
  const auth = key === null ? oauth.None() : oauth.PrivateKeyJwt(await signingKey(key));
  const DPoP = dpop ? oauth.DPoP(client, await oauth.generateKeyPair('ES256')) : undefined;
  const options = { ...insecure, ...(DPoP === undefined ? {} : { DPoP }) };
  return {
    grant: async (grantType, parameters) =>
      oauth.processGenericTokenEndpointResponse(
        as,
        client,
        await oauth.genericTokenEndpointRequest(as, client, auth, grantType, parameters, options),
      ),
    signIn: async (parameters, pushed = false) => {
      const [verifier, state] = [oauth.generateRandomCodeVerifier(), oauth.generateRandomState()];
      const request = new URLSearchParams({
        ...parameters,
        client_id: clientId,
        response_type: 'code',
        state,
        code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        ...(DPoP === undefined ? {} : { dpop_jkt: await DPoP.calculateThumbprint() }),
      });
      const address = new URL(as.authorization_endpoint ?? '');
      address.search = request.toString();
      if (pushed) {
        const { request_uri } = await oauth.processPushedAuthorizationResponse(
          as,
          client,
          await oauth.pushedAuthorizationRequest(as, client, auth, request, options),
        );
        address.search = new URLSearchParams({ client_id: clientId, request_uri }).toString();
      }
      const redirect = parameters['redirect_uri'] ?? '';
      return {
        address,
        finish: async (back) => {
          const answer = oauth.validateAuthResponse(as, client, back, state);
          const response = await oauth.authorizationCodeGrantRequest(
            as,
            client,
            auth,
            answer,
            redirect,
            verifier,
            options,
          );
          return oauth.processAuthorizationCodeResponse(as, client, response);
        },
      };
    },
    refresh: async (token) =>
      oauth.processRefreshTokenResponse(
        as,
        client,
        await oauth.refreshTokenGrantRequest(as, client, auth, token, options),
      ),
    introspect: async (token) =>
      oauth.processIntrospectionResponse(
        as,
        client,
        await oauth.introspectionRequest(as, client, auth, token, insecure),
      ),
    revoke: async (token) =>
      oauth.processRevocationResponse(await oauth.revocationRequest(as, client, auth, token, insecure)),
    use: async (token, at) =>
      statusOf(
        oauth.protectedResourceRequest(token, 'GET', new URL(at), new Headers(), undefined, options),
        oauth.WWWAuthenticateChallengeError,
      ),
  };
}

async function byOpenidClient({ issuer, clientId, key, dpop }: ClientOf): Promise<OAuthClient> {
  const auth = key === null ? openid.None() : openid.PrivateKeyJwt(await signingKey(key));
  const config = await openid.discovery(new URL(issuer), clientId, {}, auth, {
    algorithm: 'oauth2',
    // The sandbox has no TLS. Nothing else needs leniency.
    execute: [openid.allowInsecureRequests],
  });
  const DPoP = dpop ? openid.getDPoPHandle(config, await openid.randomDPoPKeyPair('ES256')) : undefined;
  const options = DPoP === undefined ? {} : { DPoP };
  return {
    grant: (grantType, parameters) => openid.genericGrantRequest(config, grantType, parameters, options),
    signIn: async (parameters, pushed = false) => {
      const [verifier, state] = [openid.randomPKCECodeVerifier(), openid.randomState()];
      const request = {
        ...parameters,
        state,
        code_challenge: await openid.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        ...(DPoP === undefined ? {} : { dpop_jkt: await DPoP.calculateThumbprint() }),
      };
      return {
        address: pushed
          ? await openid.buildAuthorizationUrlWithPAR(config, request, options)
          : openid.buildAuthorizationUrl(config, request),
        finish: (back) =>
          openid.authorizationCodeGrant(
            config,
            back,
            { pkceCodeVerifier: verifier, expectedState: state },
            undefined,
            options,
          ),
      };
    },
    refresh: (token) => openid.refreshTokenGrant(config, token, undefined, options),
    introspect: async (token) => ({ ...(await openid.tokenIntrospection(config, token)) }),
    revoke: (token) => openid.tokenRevocation(config, token),
    use: (token, at) =>
      statusOf(
        openid.fetchProtectedResource(config, token, new URL(at), 'GET', undefined, undefined, options),
        openid.WWWAuthenticateChallengeError,
      ),
  };
}

/** The status of the request. Both libraries throw if the answer contains a challenge. */
async function statusOf(
  request: Promise<Response>,
  Challenge: abstract new (...args: never[]) => Error & { status: number },
): Promise<number> {
  try {
    return (await request).status;
  } catch (error) {
    if (error instanceof Challenge) return error.status;
    throw error;
  }
}

export const KITS = [
  ['openid-client 6', byOpenidClient],
  ['oauth4webapi', byOauth4webapi],
] as const satisfies [string, (of: ClientOf) => Promise<OAuthClient>][];
