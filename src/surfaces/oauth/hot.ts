import {
  claimedClient,
  readClient,
  type ClientCredentials,
  type FormParameters,
} from '#domain/token/client/client-request.ts';
import { presentedRequest } from '#domain/token/client/dpop.ts';
import { readExchange, type ExchangeRequest } from '#domain/token/grant/exchange-request.ts';
import type { TokenKernel } from '#domain/token/kernel.ts';
import { OAuthError } from '#domain/token/oauth-error.ts';
import { reach } from '#db/reach.ts';
import type { App } from '#engine/app.ts';
import { isId } from '#lib/id.ts';
import { MAX_TOKEN_LENGTH } from '#lib/jwt.ts';
import { webOfPlain, type PlainAnswer, type PlainRequest } from '#lib/plain-http.ts';
import { GRANTS, type BrowserSide } from './browser/index.ts';
import type { Address, Endpoint } from './address.ts';
import { json, tokenJson } from './faults.ts';
import { readForm } from './form.ts';
import { introspect } from './introspect.ts';

/** What these endpoints work with. */
export interface HotParts {
  readonly kernel: TokenKernel;
  /** The authorization code flow. Absent: only agents' grants. */
  readonly browser?: BrowserSide;
  readonly app: Pick<App, 'baseUrl' | 'apiKey' | 'log' | 'now'>;
}

/**
 * Answers a POST whose body was read. The browser side answers with web responses. Throws OAuthError and
 * Fault.
 */
export type HotHandler = (
  parts: HotParts,
  address: Address,
  request: PlainRequest,
) => Promise<PlainAnswer | Response>;

/**
 * The endpoints that agents and resource servers use most. They take requests in Node's form. All are POST.
 */
export const HOT = {
  token,
  introspect: introspection,
  revoke: revocation,
} as const satisfies Partial<Record<Endpoint, HotHandler>>;

// The headers that the browser side reads.
const BROWSER_HEADERS = ['authorization', 'content-type', 'dpop', 'origin'];

async function token(
  parts: HotParts,
  address: Address,
  request: PlainRequest,
): Promise<PlainAnswer | Response> {
  const { kernel, app } = parts;
  let exchange: ExchangeRequest;
  try {
    const form = readForm(request);
    const redeemed = redeem(parts, address, request, form);
    if (redeemed !== null) return await redeemed;
    exchange = readExchange(form, request.header('authorization'));
  } catch (error) {
    await note(parts, address, error);
    throw error;
  }
  const tenantId = address.tenantId ?? (await tenantOfClient(parts, exchange.client));
  const came = request.header('dpop') === null ? null : presentedRequest(app.baseUrl, request);
  return tokenJson(await kernel.exchange(tenantId, exchange, came));
}

/**
 * Lets the browser side answer one of its own grants, with the body exactly as it was sent. Null for other
 * grants.
 */
function redeem(
  { browser, app }: HotParts,
  { tenantId }: Address,
  request: PlainRequest,
  form: FormParameters,
): Promise<Response> | null {
  const isBrowsers = form.get('grant_type')?.some((grant) => GRANTS.has(grant)) === true;
  if (!isBrowsers || browser === undefined || tenantId === null || request.body === null) return null;
  return browser.redeem(tenantId, forBrowser(app, request), request.body);
}

/** Counts an unreadable request as a refusal if the address names the tenant. */
async function note({ kernel }: HotParts, { tenantId }: Address, error: unknown): Promise<void> {
  if (error instanceof OAuthError && tenantId !== null) await kernel.refused(tenantId, error);
}

const forBrowser = (app: Pick<App, 'baseUrl'>, request: PlainRequest): Request =>
  webOfPlain(request, new URL(app.baseUrl).origin, BROWSER_HEADERS);

/** The client's tenant, for a root alias. Throws OAuthError `invalid_client`. */
async function tenantOfClient(parts: HotParts, credentials: ClientCredentials): Promise<string> {
  const client = claimedClient(credentials);
  const tenantId = client === null ? null : await parts.kernel.tenantOf('agent', client);
  if (tenantId === null) throw new OAuthError('invalid_client', 'no_such_client', 'Unknown client.');
  return tenantId;
}

/** Revokes a token. The answer is empty whether or not there was one to revoke (RFC 7009 section 2.2). */
async function revocation(
  parts: HotParts,
  address: Address,
  request: PlainRequest,
): Promise<PlainAnswer | Response> {
  const form = readForm(request);
  const clientId = form.get('client_id')?.[0];
  const persons = clientId !== undefined && !isId('agt', clientId);
  if (persons && parts.browser !== undefined && address.tenantId !== null && request.body !== null)
    return parts.browser.revoke(address.tenantId, forBrowser(parts.app, request), request.body);
  const credentials = readClient(form, request.header('authorization'));
  const token = form.get('token')?.[0];
  const tenantId = address.tenantId ?? (await tenantOfClient(parts, credentials));
  if ((await parts.kernel.tenantOf('tenant', tenantId)) === null)
    throw new OAuthError('invalid_client', 'no_such_tenant', 'Unknown issuer.');
  if (token === undefined)
    throw new OAuthError('invalid_request', 'token', 'Send the token to revoke as token.');
  // A longer text cannot be a token of ours, but the client must authenticate all the same.
  await parts.kernel.revoke(tenantId, token.slice(0, MAX_TOKEN_LENGTH + 1), credentials);
  return json(200, {});
}

async function introspection(parts: HotParts, address: Address, request: PlainRequest): Promise<PlainAnswer> {
  const form = readForm(request);
  return json(200, await reach(introspect(parts, address.tenantId, request.header('authorization'), form)));
}
