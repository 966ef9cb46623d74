import * as client from 'openid-client';
import { z } from 'zod';
import { addSignInRow } from '#domain/sign-in/store.ts';
import { STEP_UP_ACR, type SignInClaims } from '#domain/sign-in/step-up.ts';
import { sha256 } from '#lib/crypto.ts';
import type { App } from './app.ts';
import { offersStepUp } from './approve/step-up.ts';
import { readonly, transact } from './transact.ts';

/** The web app at the customer's Okta with which people sign in to Prokura. */
export interface LoginClient {
  /** The custom authorization server. Used only for tenants whose configured Okta issuer equals it. */
  readonly issuer: string;
  readonly clientId: string;
  /** Null for a public client, which uses PKCE alone. */
  readonly clientSecret: string | null;
}

/** The person who signed in at Okta, and the claims that say how. */
export interface SignedIn extends SignInClaims {
  readonly uid: string;
}

/**
 * How the person must sign in. `known` accepts an existing Okta session, `again` asks for a new sign-in, and
 * `step_up` also asks for a second factor. The caller must check the result: a request parameter proves
 * nothing.
 */
export type Strength = 'known' | 'again' | 'step_up';

// Okta, "Step-up authentication using ACR values": max_age=0 ignores an existing session, as prompt=login
// does.
const PARAMETERS: Readonly<Record<Strength, Readonly<Record<string, string>>>> = {
  known: {},
  again: { prompt: 'login' },
  step_up: { prompt: 'login', max_age: '0', acr_values: STEP_UP_ACR },
};

/** Thrown if the sign-in at Okta failed, or if the answer is not Okta's. The message is for the person. */
export class LoginFailed extends Error {
  /** The `error` in Okta's answer (OpenID Connect Core section 3.1.2.6), or null. */
  readonly error: string | null;
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'LoginFailed';
    this.error = cause instanceof client.AuthorizationResponseError ? cause.error : null;
  }
}

/** A sign-in in progress. */
export interface BegunLogin {
  /** Okta's address, to which the browser is sent. */
  readonly at: URL;
  /** What the browser keeps in a cookie until it returns. Sealed for this tenant and interaction. */
  readonly kept: string;
}

/** How long a person may take to sign in at Okta, in seconds. */
export const LOGIN_SECONDS = 600;

/**
 * Sends people to Okta and handles their return (OpenID Connect Core section 3.1: code with PKCE, `state` and
 * `nonce`). Writes nothing until Okta has said who the person is, since anybody can begin a sign-in any
 * number of times.
 */
export interface OktaLogin {
  /** Whether people of this tenant can sign in. */
  isSetUp(tenantId: string): Promise<boolean>;
  /** Begins a sign-in for this interaction. Throws LoginFailed. */
  start(tenantId: string, interactionUid: string, strength: Strength): Promise<BegunLogin>;
  /**
   * Checks Okta's answer. It must belong to this interaction and to the browser that kept `kept`, and only
   * the first answer to a sign-in counts. Throws LoginFailed.
   */
  finish(tenantId: string, interactionUid: string, answer: URL, kept: string | null): Promise<SignedIn>;
}

const KIND = 'OktaLogin';
const Begun = z.object({ verifier: z.string(), nonce: z.string(), state: z.string(), until: z.number() });
const KEEP_DISCOVERY_MS = 3_600_000;

const sealedFor = (tenantId: string, interactionUid: string): string =>
  `${KIND} ${tenantId} ${interactionUid}`;

/**
 * Creates the sign-in. The address `redirectUri(tenantId)` must be registered at Okta. Without `login`,
 * nobody can sign in.
 */
export function createOktaLogin(
  app: Pick<App, 'database' | 'queue' | 'now' | 'subscribers' | 'secrets' | 'mode'>,
  login: LoginClient | null,
  redirectUri: (tenantId: string) => string,
): OktaLogin {
  let discovered: { readonly at: number; readonly config: Promise<client.Configuration> } | null = null;

  function configure(of: LoginClient): Promise<client.Configuration> {
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

  async function reachOkta(): Promise<client.Configuration> {
    if (login === null) throw new LoginFailed('Sign-in is not set up. Ask an administrator to set it up.');
    try {
      return await configure(login);
    } catch (error) {
      throw new LoginFailed('Okta is not responding. Try again in a minute.', error);
    }
  }

  /**
   * The sign-in that this browser began. Null if it belongs to another browser or interaction, or is too old.
   */
  function unseal(kept: string | null, about: string): z.infer<typeof Begun> | null {
    if (kept === null) return null;
    try {
      const begun = Begun.parse(JSON.parse(app.secrets.unseal(kept, about)));
      return begun.until > app.now().getTime() ? begun : null;
    } catch {
      return null;
    }
  }

  return {
    isSetUp: (tenantId) =>
      readonly(app, tenantId, (reader) => offersStepUp({ loginIssuer: login?.issuer ?? null }, reader)),
    start: async (tenantId, interactionUid, strength) => {
      const config = await reachOkta();
      const verifier = client.randomPKCECodeVerifier();
      const nonce = client.randomNonce();
      // The uid comes first so that the answer finds its interaction; the random part proves that it belongs
      // to it.
      const state = `${interactionUid}.${client.randomState()}`;
      const until = app.now().getTime() + LOGIN_SECONDS * 1000;
      const begun: z.infer<typeof Begun> = { verifier, nonce, state, until };
      const at = client.buildAuthorizationUrl(config, {
        redirect_uri: redirectUri(tenantId),
        scope: 'openid profile email',
        code_challenge: await client.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        state,
        nonce,
        ...PARAMETERS[strength],
      });
      return { at, kept: app.secrets.seal(JSON.stringify(begun), sealedFor(tenantId, interactionUid)) };
    },
    finish: async (tenantId, interactionUid, answer, kept) => {
      const config = await reachOkta();
      const begun = unseal(kept, sealedFor(tenantId, interactionUid));
      if (begun === null)
        throw new LoginFailed(
          'This response from Okta is too old, or belongs to another browser. Sign in again.',
        );
      const { verifier, nonce, state, until } = begun;
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
        if (claims === undefined) throw new LoginFailed('Okta sent no ID token. Sign in again.');
        const { acr, amr } = claims;
        const once = { kind: KIND, id: sha256(state), payload: {}, expiresAt: new Date(until) };
        if (!(await transact(app, tenantId, (ctx) => addSignInRow(ctx, once))))
          throw new LoginFailed('This response from Okta was already used. Sign in again.');
        return {
          uid: claims.sub,
          acr: typeof acr === 'string' ? acr : undefined,
          authTime: claims.auth_time,
          amr: Array.isArray(amr) ? amr.filter((one) => typeof one === 'string') : undefined,
        };
      } catch (error) {
        if (error instanceof LoginFailed) throw error;
        throw new LoginFailed(
          'Okta did not sign you in, or sent an unexpected response. Sign in again.',
          error,
        );
      }
    },
  };
}
