import * as client from 'openid-client';
import { saveSignInRow, takeSignInRow } from '#domain/sign-in/store.ts';
import { STEP_UP_ACR, type SignInClaims } from '#domain/sign-in/step-up.ts';
import type { App } from './app.ts';
import { offersStepUp } from './approve/step-up.ts';
import { readonly, transact } from './transact.ts';

/** The web app at the customer's Okta that people sign in to Prokura with. */
export interface LoginClient {
  /** The custom authorization server; used only for tenants whose configured Okta issuer is this one. */
  readonly issuer: string;
  readonly clientId: string;
  /** Null: a public client, with PKCE alone. */
  readonly clientSecret: string | null;
}

/** Who signed in at Okta, and how. */
export interface SignedIn extends SignInClaims {
  readonly uid: string;
}

/**
 * How the person must sign in: `known` takes them where Okta knows them already, `again` asks them anew, and `step_up` anew and with
 * a second factor. What came of it, the caller looks at: a parameter of a request proves nothing.
 */
export type Strength = 'known' | 'again' | 'step_up';

// Okta "Step-up authentication using ACR values": max_age=0 passes over a session, as prompt=login does.
const PARAMETERS: Readonly<Record<Strength, Readonly<Record<string, string>>>> = {
  known: {},
  again: { prompt: 'login' },
  step_up: { prompt: 'login', max_age: '0', acr_values: STEP_UP_ACR },
};

/** Thrown where Okta, or whoever answered in its place, did not sign the person in; the message is for them. */
export class LoginFailed extends Error {
  /** The `error` that Okta answered with (OpenID Connect Core section 3.1.2.6), or null. */
  readonly error: string | null;
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'LoginFailed';
    this.error = cause instanceof client.AuthorizationResponseError ? cause.error : null;
  }
}

/** Sends people to Okta and takes them back (OpenID Connect Core section 3.1, code with PKCE, `state` and `nonce`). */
export interface OktaLogin {
  /** Whether people of this tenant can sign in. */
  isSetUp(tenantId: string): Promise<boolean>;
  /** The address at Okta to go to, for this interaction. Throws LoginFailed. */
  start(tenantId: string, interactionUid: string, strength: Strength): Promise<URL>;
  /** Checks the answer, which must belong to this interaction; each is taken once. Throws LoginFailed. */
  finish(tenantId: string, interactionUid: string, answer: URL): Promise<SignedIn>;
}

const KIND = 'OktaLogin';
const LOGIN_SECONDS = 600;
const KEEP_DISCOVERY_MS = 3_600_000;

/** `redirectUri` of a tenant must be registered at Okta. */
export function createOktaLogin(
  app: Pick<App, 'database' | 'queue' | 'now' | 'subscribers' | 'secrets' | 'mode'>,
  login: LoginClient | null,
  redirectUri: (tenantId: string) => string,
): OktaLogin {
  let discovered: { readonly at: number; readonly config: Promise<client.Configuration> } | null = null;

  function configuration(of: LoginClient): Promise<client.Configuration> {
    if (discovered !== null && Date.now() - discovered.at < KEEP_DISCOVERY_MS) return discovered.config;
    const auth = of.clientSecret === null ? client.None() : client.ClientSecretBasic(of.clientSecret);
    const execute = [client.enableNonRepudiationChecks];
    if (app.mode === 'sandbox') execute.push(client.allowInsecureRequests);
    const config = client.discovery(
      new URL(`${of.issuer}/.well-known/openid-configuration`),
      of.clientId,
      { redirect_uris: [] },
      auth,
      { execute, timeout: 5 },
    );
    const kept = { at: Date.now(), config };
    discovered = kept;
    config.catch(() => {
      if (discovered === kept) discovered = null;
    });
    return config;
  }

  async function reached(): Promise<client.Configuration> {
    if (login === null) throw new LoginFailed('Signing in is not set up here. An administrator can do that.');
    try {
      return await configuration(login);
    } catch (error) {
      throw new LoginFailed('Okta does not answer. Try again in a minute.', error);
    }
  }

  return {
    isSetUp: (tenantId) =>
      readonly(app, tenantId, (reader) => offersStepUp({ loginIssuer: login?.issuer ?? null }, reader)),
    start: async (tenantId, interactionUid, strength) => {
      const config = await reached();
      const verifier = client.randomPKCECodeVerifier();
      const nonce = client.randomNonce();
      // The uid stands in front so that the answer finds its interaction; what is behind proves that it belongs there.
      const state = `${interactionUid}.${client.randomState()}`;
      await transact(app, tenantId, (ctx) =>
        saveSignInRow(ctx, {
          kind: KIND,
          id: interactionUid,
          payload: { sealed: app.secrets.seal(JSON.stringify({ verifier, nonce, state }), KIND) },
          expiresAt: new Date(ctx.now.getTime() + LOGIN_SECONDS * 1000),
        }),
      );
      return client.buildAuthorizationUrl(config, {
        redirect_uri: redirectUri(tenantId),
        scope: 'openid profile email',
        code_challenge: await client.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        state,
        nonce,
        ...PARAMETERS[strength],
      });
    },
    finish: async (tenantId, interactionUid, answer) => {
      const config = await reached();
      const kept = await transact(app, tenantId, (ctx) => takeSignInRow(ctx, KIND, interactionUid));
      if (typeof kept?.['sealed'] !== 'string')
        throw new LoginFailed('This answer of Okta was used before, or is too old.');
      const { verifier, nonce, state } = JSON.parse(app.secrets.unseal(kept['sealed'], KIND)) as Record<
        'verifier' | 'nonce' | 'state',
        string
      >;
      const at = new URL(redirectUri(tenantId));
      at.search = answer.search;
      try {
        const tokens = await client.authorizationCodeGrant(config, at, {
          pkceCodeVerifier: verifier,
          expectedNonce: nonce,
          expectedState: state,
          idTokenExpected: true,
        });
        const claims = tokens.claims();
        if (claims === undefined) throw new LoginFailed('Okta sent no ID token.');
        const { acr, amr } = claims;
        return {
          uid: claims.sub,
          acr: typeof acr === 'string' ? acr : undefined,
          authTime: claims.auth_time,
          amr: Array.isArray(amr) ? amr.filter((one) => typeof one === 'string') : undefined,
        };
      } catch (error) {
        if (error instanceof LoginFailed) throw error;
        throw new LoginFailed('Okta did not sign you in, or its answer does not belong here.', error);
      }
    },
  };
}
