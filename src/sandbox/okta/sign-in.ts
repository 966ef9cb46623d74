import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { Hono } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { askedOf, reaches, recent, withFactor, type Asked, type Session } from './assurance.ts';
import { customIssuer, mintToken } from './authorization-server.ts';
import { oktaId } from './ids.ts';
import { publicJwk } from './keys.ts';
import { SANDBOX_WEB_CLIENT_ID, SANDBOX_WEB_CLIENT_SECRET } from './seed.ts';
import { errorPage, factorPage, picker } from './sign-in-pages.ts';
import type { OktaEnv, Simulation } from './simulation.ts';
import { displayName } from './system-log.ts';
import type { UserRecord } from './types.ts';

/** A request to the authorization endpoint, kept while a person is picked, and then under its code. */
interface SignIn {
  readonly redirectUri: string;
  readonly state: string | null;
  readonly nonce: string | null;
  readonly scopes: readonly string[];
  readonly challenge: string;
  readonly asked: Asked;
  /** The person who gave their password, while the second factor is awaited. */
  readonly user: UserRecord | null;
  readonly expiresAt: number;
}

const BASE = '/oauth2/default/v1';
const COOKIE = 'okta_sandbox';
const PICK_MS = 600_000;
const CODE_MS = 60_000;

/**
 * The browser side of the custom authorization server (Okta, "OpenID Connect & OAuth 2.0 API"). `/authorize`
 * shows the org's people instead of asking for a password, `/token` redeems the code (PKCE S256, one use),
 * `/introspect` says what a token is, and `/userinfo` returns the person.
 *
 * The browser has a session, so a second sign-in asks nothing; `prompt=login` and `max_age` ignore it. If
 * `acr_values` requires two factors, the person confirms one of their own. A person without any is sent back
 * with `unmet_authentication_requirements`.
 *
 * The seeded web app is the only client. Its redirect URI must be a loopback address that ends in one of our
 * two callback paths, since ports differ from start to start.
 */
export function signInRoutes(sim: Simulation): Hono<OktaEnv> {
  const app = new Hono<OktaEnv>();
  const picking = new Map<string, SignIn>();
  const codes = new Map<string, SignIn & { readonly user: UserRecord; readonly session: Session }>();
  const sessions = new Map<string, Session>();
  const forget = (): void => {
    for (const [id, one] of picking) if (one.expiresAt < sim.now()) picking.delete(id);
    for (const [id, one] of codes) if (one.expiresAt < sim.now()) codes.delete(id);
  };
  // Binds a page to the browser that opened it.
  const bound = (browser: string, id: string): string =>
    createHash('sha256').update(`${browser} ${id}`).digest('hex');

  /** This browser's session, or null if there is none or Okta has ended it. */
  const sessionOf = (browser: string): { session: Session; user: UserRecord } | null => {
    const session = sessions.get(browser);
    const user = session === undefined ? undefined : sim.org.users.get(session.userId);
    if (session === undefined || user?.status !== 'ACTIVE' || !user.sessions.includes(session.id))
      return null;
    return { session, user };
  };
  /** The address to return to, with a code for this session. */
  const redeemable = (request: SignIn, user: UserRecord, session: Session): string => {
    const code = randomBytes(24).toString('base64url');
    codes.set(code, { ...request, user, session, expiresAt: sim.now() + CODE_MS });
    return answerTo(request.redirectUri, { code, state: request.state });
  };
  /** Starts a session for this browser: the person has just signed in with these methods. */
  const signedIn = (browser: string, user: UserRecord, amr: readonly string[]): Session => {
    const session = { userId: user.id, id: oktaId('102'), at: sim.now(), amr };
    user.sessions.push(session.id);
    sessions.set(browser, session);
    return session;
  };

  app.get(`${BASE}/authorize`, (c) => {
    const query = (name: string): string | null => c.req.query(name) ?? null;
    const redirectUri = query('redirect_uri') ?? '';
    if (query('client_id') !== SANDBOX_WEB_CLIENT_ID || !isRegistered(redirectUri))
      return errorPage(c, "The 'client_id' or 'redirect_uri' parameter is not one of a registered app.");
    const scopes = (query('scope') ?? '').split(' ').filter((scope) => scope !== '');
    const problem =
      query('response_type') !== 'code'
        ? 'unsupported_response_type'
        : !scopes.includes('openid')
          ? 'invalid_scope'
          : query('code_challenge_method') !== 'S256' || (query('code_challenge') ?? '').length !== 43
            ? 'invalid_request'
            : null;
    if (problem !== null) return c.redirect(answerTo(redirectUri, { error: problem, state: query('state') }));
    forget();
    const id = randomBytes(24).toString('base64url');
    const browser = getCookie(c, COOKIE) ?? randomBytes(24).toString('base64url');
    setCookie(c, COOKIE, browser, { httpOnly: true, sameSite: 'Lax', path: '/oauth2/' });
    const request: SignIn = {
      redirectUri,
      state: query('state'),
      nonce: query('nonce'),
      scopes,
      challenge: query('code_challenge') ?? '',
      asked: askedOf(query),
      user: null,
      expiresAt: sim.now() + PICK_MS,
    };
    const known = sessionOf(browser);
    if (known !== null && recent(request.asked, known.session, sim.now())) {
      const { user, session } = known;
      if (reaches(request.asked, session.amr)) return c.redirect(redeemable(request, user, session));
    }
    if (query('prompt') === 'none')
      return c.redirect(answerTo(redirectUri, { error: 'login_required', state: query('state') }));
    picking.set(bound(browser, id), request);
    return c.html(picker([...sim.org.users.values()], id, `${BASE}/authorize/sign-in`));
  });

  app.post(`${BASE}/authorize/sign-in`, async (c) => {
    const form = new URLSearchParams(await c.req.text());
    const browser = getCookie(c, COOKIE) ?? '';
    const transaction = form.get('transaction') ?? '';
    const key = bound(browser, transaction);
    const request = picking.get(key);
    picking.delete(key);
    if (request === undefined || request.expiresAt < sim.now())
      return errorPage(c, 'This page is too old, or was opened in another browser. Start again.');
    const { redirectUri, state, asked } = request;
    const back = (error: string) => c.redirect(answerTo(redirectUri, { error, state }), 303);
    const user =
      request.user ?? [...sim.org.users.values()].find((one) => one.profile['login'] === form.get('login'));
    if (user?.status !== 'ACTIVE') return back('access_denied');
    const amr = request.user === null ? ['pwd'] : withFactor(user, form.get('factor'));
    if (amr === null) return back('access_denied');
    if (reaches(asked, amr)) return c.redirect(redeemable(request, user, signedIn(browser, user, amr)), 303);
    // OpenID Connect Core Error Code unmet_authentication_requirements 1.0, which Okta names for acr_values.
    if (user.factors.length === 0) return back('unmet_authentication_requirements');
    picking.set(key, { ...request, user });
    return c.html(factorPage(user, transaction, `${BASE}/authorize/sign-in`));
  });

  app.post(`${BASE}/token`, async (c) => {
    c.header('cache-control', 'no-store');
    const form = new URLSearchParams(await c.req.text());
    const refuse = (error: string, description: string, status: 400 | 401 = 400): Response =>
      c.json({ error, error_description: description }, status);
    if (!isClient(c.req.header('authorization'), form))
      return refuse('invalid_client', 'Client authentication failed.', 401);
    if (form.get('grant_type') !== 'authorization_code')
      return refuse('unsupported_grant_type', 'The grant type is not supported by the server.');
    const code = form.get('code') ?? '';
    const kept = codes.get(code);
    codes.delete(code);
    const verifier = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    const holds =
      kept !== undefined &&
      kept.expiresAt >= sim.now() &&
      kept.redirectUri === form.get('redirect_uri') &&
      kept.challenge === verifier;
    if (!holds) return refuse('invalid_grant', 'The authorization code is invalid or has expired.');
    const { user, scopes, nonce, session, asked } = kept;
    const who = { uid: user.id, scopes };
    const accessToken = await mintToken(sim, who);
    const atHash = createHash('sha256').update(accessToken).digest().subarray(0, 16).toString('base64url');
    const idToken = await mintToken(sim, {
      ...who,
      type: 'id_token',
      claims: {
        uid: user.id,
        at_hash: atHash,
        auth_time: Math.floor(session.at / 1000),
        amr: session.amr,
        ...(asked.acr === null ? {} : { acr: asked.acr }),
        ...(nonce === null ? {} : { nonce }),
        ...sim.idTokenClaims,
      },
    });
    return c.json({
      token_type: 'Bearer',
      expires_in: 3600,
      access_token: accessToken,
      scope: scopes.join(' '),
      id_token: idToken,
    });
  });

  app.post(`${BASE}/introspect`, async (c) => {
    const form = new URLSearchParams(await c.req.text());
    // RFC 7662 section 2.1: the client proves itself first.
    if (!isClient(c.req.header('authorization'), form))
      return c.json({ error: 'invalid_client', error_description: 'Client authentication failed.' }, 401);
    try {
      const keys = createLocalJWKSet({ keys: sim.org.keys.custom.map(publicJwk) });
      const { payload } = await jwtVerify(form.get('token') ?? '', keys, {
        issuer: customIssuer(sim),
        currentDate: new Date(sim.now()),
      });
      const { scp, ...claims } = payload;
      const scope = Array.isArray(scp) ? scp.join(' ') : '';
      return c.json({ active: true, ...claims, scope, client_id: payload['cid'], token_type: 'Bearer' });
    } catch {
      return c.json({ active: false });
    }
  });

  app.get(`${BASE}/userinfo`, async (c) => {
    const token = /^Bearer (.+)$/.exec(c.req.header('authorization') ?? '')?.[1] ?? '';
    try {
      const keys = createLocalJWKSet({ keys: sim.org.keys.custom.map(publicJwk) });
      const { payload } = await jwtVerify(token, keys, {
        issuer: customIssuer(sim),
        currentDate: new Date(sim.now()),
      });
      const user = sim.org.users.get(String(payload['uid']));
      if (user === undefined) throw new Error('no such user');
      const { email, login, firstName, lastName } = user.profile;
      return c.json({
        sub: user.id,
        name: displayName(user),
        email,
        email_verified: true,
        preferred_username: login,
        given_name: firstName,
        family_name: lastName,
      });
    } catch {
      c.header(
        'www-authenticate',
        'Bearer error="invalid_token", error_description="The access token is invalid."',
      );
      return c.body(null, 401);
    }
  });
  return app;
}

function isRegistered(redirectUri: string): boolean {
  const url = URL.parse(redirectUri);
  const loopback = url !== null && /^(?:127\.0\.0\.1|localhost)$/.test(url.hostname);
  return (
    loopback &&
    url.protocol === 'http:' &&
    /\/(?:oauth2|step-up)\/callback$/.test(url.pathname) &&
    url.search === ''
  );
}

function isClient(authorization: string | undefined, form: URLSearchParams): boolean {
  const basic = /^Basic (.+)$/.exec(authorization ?? '')?.[1];
  const [id, secret] =
    basic === undefined
      ? [form.get('client_id'), form.get('client_secret')]
      : Buffer.from(basic, 'base64')
          .toString()
          .split(':')
          .map((part) => decodeURIComponent(part.replaceAll('+', ' ')));
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return (
    id === SANDBOX_WEB_CLIENT_ID && timingSafeEqual(digest(secret ?? ''), digest(SANDBOX_WEB_CLIENT_SECRET))
  );
}

function answerTo(redirectUri: string, members: Readonly<Record<string, string | null>>): string {
  const url = new URL(redirectUri);
  for (const [name, value] of Object.entries(members)) if (value !== null) url.searchParams.set(name, value);
  return url.href;
}
