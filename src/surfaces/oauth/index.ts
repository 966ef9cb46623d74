import {
  claimedClient,
  readClient,
  type ClientCredentials,
  type FormParameters,
} from '#domain/token/client-request.ts';
import { presentedRequest } from '#domain/token/dpop.ts';
import { readExchange, type ExchangeRequest } from '#domain/token/exchange-request.ts';
import type { TokenKernel } from '#domain/token/kernel.ts';
import { JWKS_MAX_AGE_SECONDS } from '#domain/token/names.ts';
import { OAuthError } from '#domain/token/oauth-error.ts';
import { reach } from '#db/reach.ts';
import type { App } from '#engine/app.ts';
import { isId } from '#lib/id.ts';
import { MAX_TOKEN_LENGTH } from '#lib/jwt.ts';
import { GRANTS, type BrowserSide } from './browser/index.ts';
import { joined } from './browser/metadata.ts';
import { addressOf, type Address, type Endpoint } from './address.ts';
import { answer, failure } from './faults.ts';
import { parseForm, readBody, readForm } from './form.ts';
import { introspect } from './introspect.ts';
import { globalTokenRevocation, securityEvents } from './logout.ts';
import { metadata } from './metadata.ts';
import { statusList } from './status.ts';

interface Parts {
  readonly kernel: TokenKernel;
  /** The authorization code flow; absent: agents' grants only. */
  readonly browser?: BrowserSide;
  readonly app: Pick<App, 'baseUrl' | 'database' | 'mode' | 'log' | 'now'>;
}

/** The door that speaks OAuth 2: one issuer for each tenant, `<base>/t/<tenant>`, and aliases at the root. */
export interface OAuthSurface {
  readonly name: 'oauth';
  /** Null where the address is not this door's. Never throws. */
  fetch(request: Request): Promise<Response | null>;
}

type Handler = (parts: Parts, address: Address, request: Request, query: string) => Promise<Response>;

const ENDPOINTS = {
  token: { method: 'POST', handle: token },
  introspect: { method: 'POST', handle: introspection },
  revoke: { method: 'POST', handle: revocation },
  jwks: {
    method: 'GET',
    handle: (parts, { tenantId }) => published(parts, tenantId, (id) => parts.kernel.jwks(id)),
  },
  metadata: {
    method: 'GET',
    handle: (parts, { tenantId }) =>
      published(parts, tenantId, async (id) =>
        joined(metadata(parts.app.baseUrl, id), (await parts.browser?.metadata(id)) ?? null),
      ),
  },
  status: { method: 'GET', handle: statusList },
  logout: { method: 'POST', handle: globalTokenRevocation },
  events: { method: 'POST', handle: securityEvents },
  browser: { method: null, handle: browser },
} as const satisfies Record<Endpoint, { method: 'GET' | 'POST' | null; handle: Handler }>;

export function oauthSurface(parts: Parts): OAuthSurface {
  return {
    name: 'oauth',
    fetch: async (request) => {
      const url = new URL(request.url);
      const address = addressOf(url.pathname);
      if (address === null) return null;
      const { method, handle } = ENDPOINTS[address.endpoint];
      const asked = request.method === 'HEAD' ? 'GET' : request.method;
      if (method !== null && asked !== method) {
        return answer(
          405,
          { error: 'invalid_request', error_description: `Use ${method}.` },
          { allow: method },
        );
      }
      try {
        return await handle(parts, address, request, url.search);
      } catch (error) {
        return failure(error, parts.app.log, request.headers.get('authorization'));
      }
    },
  };
}

/** A form of one of the browser side's grants; one that names two grants is refused there. */
const BROWSER_GRANT = new RegExp(`(?:^|&)grant_type=(?:${[...GRANTS].join('|')})(?:&|$)`);

async function token(parts: Parts, address: Address, request: Request, query: string): Promise<Response> {
  // Read once: whose grant it is stands in the form, and the browser side gets the same bytes.
  const body = await readBody(request).catch(async (error: unknown) => {
    throw await noted(parts, address, error, null);
  });
  if (BROWSER_GRANT.test(body.toString('latin1')) && parts.browser !== undefined && address.tenantId !== null)
    return parts.browser.redeem(address.tenantId, request, body);
  const exchange = await readToken(parts, address, request, body, query);
  const tenantId = await tenantFor(parts, address, exchange.client);
  return answer(
    200,
    await parts.kernel.exchange(tenantId, exchange, presentedRequest(parts.app.baseUrl, request)),
  );
}

/** The tenant of the address, or at a root alias that of the client. */
async function tenantFor(parts: Parts, address: Address, credentials: ClientCredentials): Promise<string> {
  const client = claimedClient(credentials);
  const tenantId =
    address.tenantId ?? (client === null ? null : await parts.kernel.tenantOf('agent', client));
  if (tenantId === null) throw new OAuthError('invalid_client', 'no_such_client', 'There is no such client.');
  return tenantId;
}

/** RFC 7009 section 2.2: an empty answer, whether there was anything to revoke or not. */
async function revocation(
  parts: Parts,
  address: Address,
  request: Request,
  query: string,
): Promise<Response> {
  const body = await readBody(request);
  const form = parseForm(body, request.headers.get('content-type'), query);
  const clientId = form.get('client_id')?.[0];
  const persons = clientId !== undefined && !isId('agt', clientId);
  if (persons && parts.browser !== undefined && address.tenantId !== null)
    return parts.browser.revoke(address.tenantId, request, body);
  const credentials = readClient(form, request.headers.get('authorization'));
  const token = form.get('token')?.[0];
  const tenantId = await tenantFor(parts, address, credentials);
  if ((await parts.kernel.tenantOf('tenant', tenantId)) === null)
    throw new OAuthError('invalid_client', 'no_such_tenant', 'There is no such issuer.');
  if (token === undefined)
    throw new OAuthError('invalid_request', 'token', 'Send the token to be revoked as token.');
  // A longer text is no token of ours; the client authenticates all the same.
  await parts.kernel.revoke(tenantId, token.slice(0, MAX_TOKEN_LENGTH + 1), credentials);
  return answer(200, {});
}

/** Reads the request; what cannot be read stands in the ledger as a refusal too, where the address tells the tenant. */
async function readToken(
  parts: Parts,
  address: Address,
  request: Request,
  body: Buffer,
  query: string,
): Promise<ExchangeRequest> {
  let form: FormParameters | null = null;
  try {
    form = parseForm(body, request.headers.get('content-type'), query);
    return readExchange(form, request.headers.get('authorization'));
  } catch (error) {
    throw await noted(parts, address, error, form);
  }
}

async function noted(
  parts: Parts,
  address: Address,
  error: unknown,
  form: FormParameters | null,
): Promise<unknown> {
  if (!(error instanceof OAuthError) || address.tenantId === null) return error;
  const [client = null, mandate = null] = [form?.get('client_id')?.[0], form?.get('mandate_id')?.[0]];
  return parts.kernel.refused(address.tenantId, error, { client, authenticated: false, mandate });
}

async function introspection(
  parts: Parts,
  address: Address,
  request: Request,
  query: string,
): Promise<Response> {
  const form = await readForm(request, query);
  return answer(
    200,
    await reach(introspect(parts, address.tenantId, request.headers.get('authorization'), form)),
  );
}

async function browser(parts: Parts, address: Address, request: Request): Promise<Response> {
  if (parts.browser === undefined || address.tenantId === null)
    return answer(404, { error: 'not_found', error_description: 'Nobody signs in here.' });
  return parts.browser.fetch(address.tenantId, request);
}

/** Public documents; anybody may keep them for a minute. */
async function published(
  parts: Parts,
  tenantId: string | null,
  document: (tenantId: string) => Promise<unknown>,
): Promise<Response> {
  if (tenantId === null || (await parts.kernel.tenantOf('tenant', tenantId)) === null) {
    return answer(404, { error: 'not_found', error_description: 'There is no such issuer.' });
  }
  return new Response(JSON.stringify(await document(tenantId)), {
    headers: {
      'content-type': 'application/json',
      'cache-control': `public, max-age=${JWKS_MAX_AGE_SECONDS}`,
      'access-control-allow-origin': '*',
    },
  });
}
