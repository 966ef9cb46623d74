import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { Hono, type Context } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import { html } from 'hono/html';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { customIssuer, mintToken } from './authorization-server.ts';
import { publicJwk } from './keys.ts';
import { SANDBOX_WEB_CLIENT_ID, SANDBOX_WEB_CLIENT_SECRET } from './seed.ts';
import type { OktaEnv, Simulation } from './simulation.ts';
import { displayName } from './system-log.ts';
import type { UserRecord } from './types.ts';

/** A request to the authorization endpoint, while its person is being picked, and then the code that came of it. */
interface SignIn {
  readonly redirectUri: string;
  readonly state: string | null;
  readonly nonce: string | null;
  readonly scopes: readonly string[];
  readonly challenge: string;
  readonly expiresAt: number;
}

const BASE = '/oauth2/default/v1';
const COOKIE = 'okta_sandbox';
const PICK_MS = 600_000;
const CODE_MS = 60_000;

/**
 * The browser side of the custom authorization server (Okta "OpenID Connect & OAuth 2.0 API"): `/authorize` shows the people of the
 * org instead of asking for a password, `/token` redeems the code (PKCE S256, one use), `/userinfo` repeats the person. The one client
 * is the seeded web app; its redirect must be a loopback address that ends in `/oauth2/callback`, since ports differ from start to start.
 */
export function signInRoutes(sim: Simulation): Hono<OktaEnv> {
  const app = new Hono<OktaEnv>();
  const picking = new Map<string, SignIn>();
  const codes = new Map<string, SignIn & { readonly user: UserRecord }>();
  const forget = (): void => {
    for (const [id, one] of picking) if (one.expiresAt < sim.now()) picking.delete(id);
    for (const [id, one] of codes) if (one.expiresAt < sim.now()) codes.delete(id);
  };
  // Binds a page to the browser that opened it.
  const bound = (browser: string, id: string): string =>
    createHash('sha256').update(`${browser} ${id}`).digest('hex');

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
            : query('prompt') === 'none'
              ? 'login_required'
              : null;
    if (problem !== null) return c.redirect(answerTo(redirectUri, { error: problem, state: query('state') }));
    forget();
    const id = randomBytes(24).toString('base64url');
    const browser = getCookie(c, COOKIE) ?? randomBytes(24).toString('base64url');
    setCookie(c, COOKIE, browser, { httpOnly: true, sameSite: 'Lax', path: '/oauth2/' });
    picking.set(bound(browser, id), {
      redirectUri,
      state: query('state'),
      nonce: query('nonce'),
      scopes,
      challenge: query('code_challenge') ?? '',
      expiresAt: sim.now() + PICK_MS,
    });
    return c.html(picker([...sim.org.users.values()], id));
  });

  app.post(`${BASE}/authorize/sign-in`, async (c) => {
    const form = new URLSearchParams(await c.req.text());
    const key = bound(getCookie(c, COOKIE) ?? '', form.get('transaction') ?? '');
    const request = picking.get(key);
    picking.delete(key);
    if (request === undefined || request.expiresAt < sim.now())
      return errorPage(c, 'This page is too old, or was opened in another browser. Start again.');
    const { redirectUri, state } = request;
    const user = [...sim.org.users.values()].find((one) => one.profile['login'] === form.get('login'));
    if (user?.status !== 'ACTIVE')
      return c.redirect(answerTo(redirectUri, { error: 'access_denied', state }), 303);
    const code = randomBytes(24).toString('base64url');
    codes.set(code, { ...request, user, expiresAt: sim.now() + CODE_MS });
    return c.redirect(answerTo(redirectUri, { code, state }), 303);
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
    const { user, scopes, nonce } = kept;
    const who = { uid: user.id, scopes };
    const accessToken = await mintToken(sim, who);
    const atHash = createHash('sha256').update(accessToken).digest().subarray(0, 16).toString('base64url');
    const idToken = await mintToken(sim, {
      ...who,
      type: 'id_token',
      claims: { uid: user.id, at_hash: atHash, ...(nonce === null ? {} : { nonce }) },
    });
    return c.json({
      token_type: 'Bearer',
      expires_in: 3600,
      access_token: accessToken,
      scope: scopes.join(' '),
      id_token: idToken,
    });
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
    loopback && url.protocol === 'http:' && url.pathname.endsWith('/oauth2/callback') && url.search === ''
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

const errorPage = (c: Context<OktaEnv>, message: string): Response | Promise<Response> =>
  c.html(
    html`<!doctype html><title>Okta (sandbox)</title>
      <h1>400 Bad Request</h1>
      <p>${message}</p>`,
    400,
  );

/** Everybody who could sign in, to be picked with a click. */
const picker = (users: readonly UserRecord[], transaction: string) =>
  html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <title>Sign in · Okta (sandbox)</title>
      </head>
      <body style="font:16px/1.5 system-ui;max-width:26rem;margin:3rem auto;padding:0 1rem">
        <h1>Sign in as</h1>
        <p>This is the sandbox's stand-in for Okta: nobody needs a password.</p>
        <form method="post" action="${BASE}/authorize/sign-in">
          <input type="hidden" name="transaction" value="${transaction}" />
          ${users
            .filter((user) => user.status === 'ACTIVE')
            .map(
              (user) =>
                html`<p>
                  <button name="login" value="${String(user.profile['login'])}">
                    ${displayName(user)} — ${String(user.profile['title'])}
                  </button>
                </p>`,
            )}
        </form>
      </body>
    </html>`;
