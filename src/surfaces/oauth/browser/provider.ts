import {
  errors,
  interactionPolicy,
  Provider,
  type Configuration,
  type KoaContextWithOIDC,
} from 'oidc-provider';
import { newestGrantId } from '#domain/sign-in/store.ts';
import { partsOfSubject, personEpochs, personStanding } from '#domain/token/issued/client-token.ts';
import type { TokenKernel } from '#domain/token/kernel.ts';
import { PROOF_ALGORITHMS } from '#domain/token/client/dpop.ts';
import { audienceNamed } from '#domain/token/grant/mcp-address.ts';
import { audiencesOf, issuerOf, TOKEN_SECONDS } from '#domain/token/names.ts';
import type { Signer } from '#domain/token/keys/signing-keys.ts';
import type { App } from '#engine/app.ts';
import { readonly } from '#engine/transact.ts';
import { adapterFor } from './adapter.ts';
import type { Abilities } from './abilities.ts';
import { messagePage, signedOutPage, signOutPage } from './pages.ts';
import { isLocalRedirect } from './redirect.ts';
import { answerWithSuccessors, isAnsweredAgain } from './refresh.ts';

/** What a tenant's server works with. */
export interface ProviderParts {
  readonly app: App;
  readonly kernel: Pick<TokenKernel, 'person'>;
  readonly abilities: Abilities;
  readonly dynamicRegistration: boolean;
  /** Fetches a client's metadata document and keys, never from inside our own network. */
  readonly fetch: typeof fetch;
}

/** How long a client stays signed in at most, in days from the consent, however often it renews. */
export const GRANT_DAYS = 30;
const DAY_SECONDS = 86_400;

/** Paths below the issuer. */
export const ROUTES = {
  authorization: '/oauth2/authorize',
  pushed_authorization_request: '/oauth2/par',
  token: '/oauth2/token',
  registration: '/oauth2/register',
  jwks: '/oauth2/jwks',
  revocation: '/oauth2/revoke',
  end_session: '/oauth2/session/end',
} as const;

/**
 * One tenant's authorization server for browsers (OAuth 2.1, as MCP 2026-07-28 requires it): code with PKCE
 * S256, PAR, RFC 9207 `iss`, RFC 8707 resources, and clients with a metadata document (CIMD) or, if the
 * installation allows it, registered ones (RFC 7591).
 *
 * A refresh token can be used once, with a grace period (refresh.ts). Access tokens are RFC 9068 JWTs with
 * the tenant's own key, valid for at most five minutes, and bound to the client's key if it proves one (DPoP,
 * RFC 9449).
 */
export function createProvider(parts: ProviderParts, tenantId: string, signer: Signer): Provider {
  const { app, kernel } = parts;
  const issuer = issuerOf(app.baseUrl, tenantId);
  const secure = issuer.startsWith('https:');
  const cookies = { httpOnly: true, sameSite: 'lax', signed: true, secure, overwrite: true } as const;
  // Tenants share a host, so their cookies need different names.
  const cookie = (name: string) => `${name}_${tenantId}`;

  async function readStanding(subject: string) {
    const who = partsOfSubject(subject);
    const row = who === null ? null : await kernel.person(tenantId, who);
    return row === null || personStanding(row) !== null ? null : row;
  }

  const configuration: Configuration = {
    adapter: adapterFor(app, tenantId),
    jwks: {
      keys: [
        {
          ...signer.privateKey.export({ format: 'jwk' }),
          kid: signer.kid,
          alg: 'ES256',
          use: 'sig',
        },
      ],
    },
    routes: ROUTES,
    scopes: ['openid', 'offline_access'],
    claims: { openid: ['sub'] },
    responseTypes: ['code'],
    subjectTypes: ['public'],
    clientAuthMethods: ['none', 'private_key_jwt'],
    enabledJWA: {
      clientAuthSigningAlgValues: ['ES256', 'RS256'],
      dPoPSigningAlgValues: PROOF_ALGORITHMS,
      idTokenSigningAlgValues: ['ES256'],
    },
    clientDefaults: {
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      id_token_signed_response_alg: 'ES256',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
    },
    pkce: { required: () => true },
    cookies: {
      keys: [app.secrets.digest(`browser cookies ${tenantId}`)],
      names: {
        session: secure ? `__Host-${cookie('session')}` : cookie('session'),
        interaction: secure ? `__Secure-${cookie('interaction')}` : cookie('interaction'),
        resume: secure ? `__Secure-${cookie('resume')}` : cookie('resume'),
      },
      long: { ...cookies, path: '/' },
      short: cookies,
    },
    ttl: {
      AccessToken: TOKEN_SECONDS,
      AuthorizationCode: 60,
      IdToken: TOKEN_SECONDS,
      Interaction: 600,
      Session: 8 * 3600,
      Grant: GRANT_DAYS * DAY_SECONDS,
      // A renewed token ends when the first one would have ended.
      RefreshToken: (ctx) => ctx.oidc.entities.RotatedRefreshToken?.remainingTTL ?? GRANT_DAYS * DAY_SECONDS,
    },
    rotateRefreshToken: (ctx) => !isAnsweredAgain(ctx),
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    // A sign-in ends with the person's standing or with the grant, not with the browser's session.
    expiresWithSession: () => false,
    interactions: {
      url: (_ctx, interaction) => `${issuer}/oauth2/interaction/${interaction.uid}`,
      policy: policy(),
    },
    findAccount: async (_ctx, subject) =>
      (await readStanding(subject)) === null
        ? undefined
        : { accountId: subject, claims: () => ({ sub: subject }) },
    loadExistingGrant: async (ctx) => {
      const { client, session, result, provider } = ctx.oidc;
      if (client === undefined || session?.accountId === undefined) return undefined;
      const { accountId } = session;
      const grantId =
        result?.consent?.grantId ??
        (await readonly(app, tenantId, (reader) => newestGrantId(reader, accountId, client.clientId)));
      const grant = grantId == null ? undefined : await provider.Grant.find(grantId);
      if (grant?.accountId !== accountId) return undefined;
      // What a person removed stays removed in that sign-in. A client that asks again later is asked about
      // again (step-up).
      if (result?.consent === undefined) delete grant.rejected;
      return grant;
    },
    extraTokenClaims: async (ctx, token) => {
      if (token.kind !== 'AccessToken') return undefined;
      const login = ctx.oidc.entities.RefreshToken ?? ctx.oidc.entities.AuthorizationCode;
      const person = await readStanding(token.accountId);
      if (person === null) throw new errors.InvalidGrant('the person cannot be signed in now');
      return {
        act: { sub: token.clientId, iss: issuer, sub_profile: 'mcp_client' },
        tenant: tenantId,
        grant_id: token.grantId,
        epoch: personEpochs(person),
        ...(login?.authTime === undefined ? {} : { auth_time: login.authTime }),
        ...(login?.amr === undefined ? {} : { amr: login.amr }),
      };
    },
    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: false },
      // For people, at its own address. Clients are not told of it; index.ts removes the parameters that they
      // send.
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => draw(ctx, signOutPage(form)),
        postLogoutSuccessSource: (ctx) => draw(ctx, signedOutPage()),
      },
      // A proof binds the code, the access token and, for a client without credentials, the refresh token to
      // its key (RFC 9449 sections 5 and 10).
      dPoP: { enabled: true },
      claimsParameter: { enabled: false },
      pushedAuthorizationRequests: { enabled: true },
      // For refresh tokens, and so for their whole grant. The kernel revokes agents' tokens.
      revocation: {
        enabled: true,
        allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId,
      },
      registration: { enabled: parts.dynamicRegistration },
      clientIdMetadataDocument: {
        enabled: true,
        ack: 'draft-02',
        // Ignores the document's own headers: what a client withdraws there ends within an hour.
        cacheDuration: { min: 60, max: 3600 },
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: (_ctx, _client, oneOf) => (oneOf === undefined ? `${issuer}/mcp` : [...oneOf]),
        useGrantedResource: () => true,
        getResourceServerInfo: (ctx, resource) => {
          mustBeScopes(ctx, parts.abilities);
          const known = audiencesOf(app.baseUrl, tenantId);
          const audience = audienceNamed(app.baseUrl, resource);
          if (!known.includes(audience))
            throw new errors.InvalidTarget(`resource must be one of: ${known.join(' ')}`);
          return {
            scope: [...parts.abilities.keys()].join(' '),
            audience,
            accessTokenFormat: 'jwt',
            accessTokenTTL: TOKEN_SECONDS,
            jwt: { sign: { alg: 'ES256', kid: signer.kid } },
          };
        },
      },
    },
    fetch: parts.fetch,
    renderError: (ctx, out) =>
      draw(
        ctx,
        messagePage(
          ctx.status,
          'Sign-in failed',
          `${out.error_description ?? out.error}. Start again from your client. If it happens again, contact the developer of the client.`,
        ),
      ),
  };
  const provider = new Provider(issuer, configuration);
  answerWithSuccessors(provider);
  return provider;
}

/** Answers with a page of ours. */
async function draw(ctx: KoaContextWithOIDC, shown: Response): Promise<void> {
  for (const [name, value] of shown.headers) ctx.set(name, value);
  ctx.body = await shown.text();
}

/**
 * Ends an authorization request whose scopes are all unknown, before anybody signs in (RFC 6749 section
 * 4.1.2.1).
 */
function mustBeScopes({ oidc }: KoaContextWithOIDC, abilities: Abilities): void {
  if (oidc.route !== 'authorization' && oidc.route !== 'pushed_authorization_request') return;
  const asked = textOf(oidc.params?.['scope']).split(' ');
  if (asked.some((scope) => scope === 'openid' || abilities.has(scope))) return;
  throw new errors.InvalidScope(
    `scope must name at least one of: ${[...abilities.keys(), 'openid'].join(' ')}`,
    asked.join(' '),
  );
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/**
 * The library's own policy. In addition, consent is asked every time for a redirect that any program on the
 * computer could take (RFC 8252 section 8.6).
 */
function policy(): interactionPolicy.DefaultPolicy {
  const base = interactionPolicy.base();
  const consent = base.get('consent');
  consent?.checks.remove('native_client_prompt');
  consent?.checks.add(
    new interactionPolicy.Check(
      'local_redirect',
      'clients without an address of their own require End-User interaction',
      'interaction_required',
      ({ oidc }) => isLocalRedirect(textOf(oidc.params?.['redirect_uri'])) && !oidc.result?.consent,
    ),
    0,
  );
  return base;
}
