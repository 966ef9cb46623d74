import type { Provider } from 'oidc-provider';
import type { TokenKernel } from '#domain/token/kernel.ts';
import { boundKey } from '#domain/token/client/dpop.ts';
import { issuerOf } from '#domain/token/names.ts';
import type { App } from '#engine/app.ts';
import { readBody } from '#lib/body.ts';
import { asFault, Fault } from '#lib/fault.ts';
import { parseJwt } from '#lib/jwt.ts';
import { isStorable, NOT_STORABLE } from '#lib/storable.ts';
import { answer as answerJson } from '../faults.ts';
import { abilitiesOf, lookingScopes } from './abilities.ts';
import { toNode } from './bridge.ts';
import {
  decideConsent,
  finishLogin,
  rememberSignOut,
  seeOther,
  showInteraction,
  type InteractionParts,
} from './interaction.ts';
import { publicFetch, unscopedBody, unscopedFetch } from './client-metadata.ts';
import { fetchBudget } from './fetch-budget.ts';
import { browserMetadata } from './metadata.ts';
import { createOktaLogin, type LoginClient } from '#engine/okta-login.ts';
import { messagePage } from './pages.ts';
import { createProvider, ROUTES } from './provider.ts';

/** What the browser side works with. */
export interface BrowserParts {
  readonly app: App;
  readonly kernel: Pick<TokenKernel, 'person' | 'signer' | 'tenantOf' | 'refused'>;
  /** Null: nobody can sign in here. */
  readonly login: LoginClient | null;
  /** Whether clients may register themselves (RFC 7591), for clients that have no metadata document. */
  readonly dynamicRegistration?: boolean;
  /** For tests: fetches clients' metadata documents. */
  readonly fetch?: typeof fetch;
}

/** Signs people in to their own clients: the authorization code flow of each tenant's issuer. */
export interface BrowserSide {
  /**
   * Answers a path below the tenant's issuer. Unavailability becomes a page; throws Fault `invalid_input` for
   * a body that is too long, and unexpected errors.
   */
  fetch(tenantId: string, request: Request): Promise<Response>;
  /** Answers a token request with one of `GRANTS`. `body` is the form exactly as it was sent. */
  redeem(tenantId: string, request: Request, body: Uint8Array): Promise<Response>;
  /**
   * Revokes a refresh token of a person's own client (RFC 7009), and with it everything from the same
   * consent.
   */
  revoke(tenantId: string, request: Request, body: Uint8Array): Promise<Response>;
  /** What the browser side adds to the tenant's metadata, or null if nobody can sign in. */
  metadata(tenantId: string): Promise<Record<string, unknown> | null>;
}

/** The grant types of the browser side. */
export const GRANTS: ReadonlySet<string> = new Set(['authorization_code', 'refresh_token']);

const MAX_INSTANCES = 200;
const MAX_FORM_BYTES = 16 * 1024;

/** Creates the browser side. */
export function browserSide(parts: BrowserParts): BrowserSide {
  const { app, kernel } = parts;
  const abilities = abilitiesOf(app.catalogue, app.policies);
  const looking = lookingScopes(app.catalogue);
  const dynamicRegistration = parts.dynamicRegistration === true;
  const login = createOktaLogin(
    app,
    parts.login,
    (tenantId) => `${issuerOf(app.baseUrl, tenantId)}/oauth2/callback`,
  );
  const interactions: InteractionParts = { app, kernel, login, abilities };
  const fetchFor = fetchBudget(unscopedFetch(parts.fetch ?? publicFetch()), () => app.now().getTime());
  const instances = new Map<string, { readonly kid: string; readonly provider: Provider }>();
  const failures = new WeakMap<object, Error>();

  /** The tenant's server with its newest key. Beyond MAX_INSTANCES the least recently used one is dropped. */
  async function providerOf(tenantId: string): Promise<Provider> {
    const signer = await kernel.signer(tenantId);
    const kept = instances.get(tenantId);
    instances.delete(tenantId);
    const provider = kept?.kid === signer.kid ? kept.provider : make(tenantId, signer);
    const oldest = instances.keys().next();
    if (instances.size >= MAX_INSTANCES && oldest.done !== true) instances.delete(oldest.value);
    instances.set(tenantId, { kid: signer.kid, provider });
    return provider;
  }

  function make(tenantId: string, signer: Awaited<ReturnType<typeof kernel.signer>>): Provider {
    const provider = createProvider(
      { app, kernel, abilities, dynamicRegistration, fetch: fetchFor(tenantId) },
      tenantId,
      signer,
    );
    provider.on('server_error', (ctx, error) => failures.set(ctx.req, error));
    provider.on('end_session.success', (ctx) => ctx.append('set-cookie', rememberSignOut(app, tenantId)));
    return provider;
  }

  async function run(tenantId: string, request: Request, body: Uint8Array | null): Promise<Response> {
    const provider = await providerOf(tenantId);
    const node = toNode(request, body, new URL(issuerOf(app.baseUrl, tenantId)));
    await provider.callback()(node.req, node.res);
    const failure = failures.get(node.req);
    if (failure !== undefined) throw failure;
    return node.answer();
  }

  async function interaction(
    tenantId: string,
    request: Request,
    uid: string,
    action: string | undefined,
  ): Promise<Response> {
    const node = toNode(request, null, new URL(issuerOf(app.baseUrl, tenantId)));
    const step = { tenantId, uid, request, node, provider: await providerOf(tenantId) };
    if (request.method === 'GET' && action === undefined) return showInteraction(interactions, step);
    if (request.method === 'GET' && action === 'login') return finishLogin(interactions, step);
    if (request.method === 'POST' && action === 'consent')
      return decideConsent(interactions, step, formOf(await bodyOf(request)));
    return notHere();
  }

  async function answer(tenantId: string, request: Request): Promise<Response> {
    if ((await kernel.tenantOf('tenant', tenantId)) === null) return notHere();
    if (isRegistration(request) && !dynamicRegistration) return registersNobody();
    if (!(await login.isSetUp(tenantId))) return notSetUp();
    const url = new URL(request.url);
    const path = url.pathname.slice(new URL(issuerOf(app.baseUrl, tenantId)).pathname.length);
    if (path === '/oauth2/callback') return callback(app.baseUrl, tenantId, url);
    const step = /^\/oauth2\/interaction\/([A-Za-z0-9_-]{10,64})(?:\/(login|consent))?$/.exec(path);
    if (step !== null) return interaction(tenantId, request, step[1] ?? '', step[2]);
    if (path === ROUTES.end_session && request.method !== 'GET') return notHere();
    const asked =
      path === ROUTES.authorization
        ? withScope(request, looking)
        : path === ROUTES.end_session
          ? new Request(url.origin + url.pathname, request)
          : request;
    const body = request.method === 'GET' || request.method === 'HEAD' ? null : await bodyOf(request);
    const registers = path === ROUTES.registration && body !== null;
    if (body !== null && !isStorable(registers ? parsedJson(body) : [...formOf(body)]))
      return answerJson(400, {
        error: registers ? 'invalid_client_metadata' : 'invalid_request',
        error_description: NOT_STORABLE,
      });
    return run(tenantId, asked, registers ? unscopedBody(body) : body);
  }

  return {
    fetch: async (tenantId, request) => {
      try {
        return await answer(tenantId, request);
      } catch (error) {
        const fault = asFault(error);
        if (fault.code !== 'unavailable') throw error;
        return messagePage(503, 'Try again in a moment', fault.message);
      }
    },
    redeem: async (tenantId, request, body) => {
      if (!(await login.isSetUp(tenantId)))
        return Response.json(
          {
            error: 'unsupported_grant_type',
            error_description: 'Sign-in is not set up. Ask an administrator to set OKTA_LOGIN_CLIENT_ID.',
          },
          { status: 400, headers: { 'cache-control': 'no-store' } },
        );
      const response = await run(tenantId, request, body);
      await note({ app, kernel }, tenantId, body, response.clone());
      return response;
    },
    revoke: (tenantId, request, body) => run(tenantId, request, body),
    metadata: async (tenantId) =>
      (await login.isSetUp(tenantId))
        ? browserMetadata(issuerOf(app.baseUrl, tenantId), [...abilities.keys()], dynamicRegistration)
        : null,
  };
}

const isRegistration = (request: Request): boolean =>
  /\/oauth2\/register(?:\/|$)/.test(new URL(request.url).pathname);

/** The answer for clients that try to register (RFC 7591 section 3.2.2): what to do instead. */
const registersNobody = (): Response =>
  answerJson(404, {
    error: 'not_found',
    error_description:
      'This server does not register clients. Publish a Client ID Metadata Document at an https URL and use that URL as client_id. For clients that cannot do this, an administrator of this server can set OAUTH_DCR=1.',
  });

/**
 * Passes Okta's answer on to the interaction that its state names. The browser's cookie there shows whether
 * it belongs to it.
 */
function callback(baseUrl: string, tenantId: string, url: URL): Response {
  const uid = /^([A-Za-z0-9_-]{10,64})\./.exec(url.searchParams.get('state') ?? '')?.[1];
  if (uid === undefined)
    return messagePage(400, 'This response cannot be used', 'Start again from your client.');
  return seeOther(`${issuerOf(baseUrl, tenantId)}/oauth2/interaction/${uid}/login${url.search}`);
}

/**
 * Gives a client that names no scope the scopes that only look (RFC 6749 section 3.3: a pre-defined default).
 */
function withScope(request: Request, scopes: readonly string[]): Request {
  const url = new URL(request.url);
  const given = url.searchParams.get('scope')?.trim() || url.searchParams.has('request_uri');
  if (request.method !== 'GET' || given || !url.searchParams.has('client_id')) return request;
  url.searchParams.set('scope', scopes.join(' '));
  return new Request(url, request);
}

// The form of the error codes of `oidc-provider`. Anything else is not recorded.
const CODE = /^[a-z_]{1,40}$/;

/**
 * Writes the ledger entry of a token before it is handed out. A refusal is only counted, since most clients
 * here cannot authenticate.
 */
async function note(
  { app, kernel }: Pick<BrowserParts, 'app' | 'kernel'>,
  tenantId: string,
  body: Uint8Array,
  response: Response,
): Promise<void> {
  const answer = (await response.json().catch(() => ({}))) as Record<string, unknown>;
  const grant_type = formOf(body).get('grant_type');
  if (response.status !== 200) {
    const code = textOf(answer['error']);
    const grant = grant_type !== null && GRANTS.has(grant_type) ? grant_type : 'other';
    await kernel.refused(tenantId, {
      error: CODE.test(code) ? code : 'invalid_request',
      reason: `browser_${grant}`,
    });
    return;
  }
  const claims = parseJwt(textOf(answer['access_token']))?.claims ?? {};
  const { jti, client_id, sub, scope, aud, exp } = claims;
  const jkt = boundKey(claims);
  await app.ledgerBatch.add(tenantId, {
    event: 'TOKEN_ISSUED',
    actor: `${textOf(client_id)} for ${textOf(sub)}`,
    data: { jti, client_id, sub, scope, aud, exp, grant_type, ...(jkt === null ? {} : { jkt }) },
  });
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

async function bodyOf(request: Request): Promise<Uint8Array> {
  const bytes = await readBody(request, MAX_FORM_BYTES);
  if (bytes === null) throw new Fault('invalid_input', `The form is longer than ${MAX_FORM_BYTES} bytes.`);
  return bytes;
}

const formOf = (body: Uint8Array): URLSearchParams => new URLSearchParams(Buffer.from(body).toString());

/** Null for what is not JSON. The library's own message about that is better. */
function parsedJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString());
  } catch {
    return null;
  }
}

const notHere = (): Response => messagePage(404, 'Page not found', 'Start again from your client.');

const notSetUp = (): Response =>
  messagePage(
    503,
    'Sign-in is not set up',
    'An administrator must register a web application in Okta and set its client ID on this server (OKTA_LOGIN_CLIENT_ID). Until then, use Slack, or an agent with a mandate.',
  );
