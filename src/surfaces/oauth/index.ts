import { claimedClient } from '#domain/token/client-assertion.ts';
import { readExchange, type ExchangeRequest, type FormParameters } from '#domain/token/exchange-request.ts';
import type { TokenKernel } from '#domain/token/kernel.ts';
import { OAuthError } from '#domain/token/oauth-error.ts';
import { reach } from '#db/reach.ts';
import type { App } from '#engine/app.ts';
import { addressOf, type Address, type Endpoint } from './address.ts';
import { answer, failure } from './faults.ts';
import { readForm } from './form.ts';
import { introspect } from './introspect.ts';
import { metadata } from './metadata.ts';

interface Parts {
  readonly kernel: TokenKernel;
  readonly app: Pick<App, 'baseUrl' | 'database' | 'mode' | 'log'>;
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
  jwks: {
    method: 'GET',
    handle: (parts, { tenantId }) => published(parts, tenantId, (id) => parts.kernel.jwks(id)),
  },
  metadata: {
    method: 'GET',
    handle: (parts, { tenantId }) =>
      published(parts, tenantId, async (id) => metadata(parts.app.baseUrl, id)),
  },
} as const satisfies Record<Endpoint, { method: 'GET' | 'POST'; handle: Handler }>;

export function oauthSurface(parts: Parts): OAuthSurface {
  return {
    name: 'oauth',
    fetch: async (request) => {
      const url = new URL(request.url);
      const address = addressOf(url.pathname);
      if (address === null) return null;
      const { method, handle } = ENDPOINTS[address.endpoint];
      const asked = request.method === 'HEAD' ? 'GET' : request.method;
      if (asked !== method) {
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

async function token(parts: Parts, address: Address, request: Request, query: string): Promise<Response> {
  const exchange = await readToken(parts, address, request, query);
  const client = claimedClient(exchange.client);
  const tenantId =
    address.tenantId ?? (client === null ? null : await parts.kernel.tenantOf('agent', client));
  if (tenantId === null) throw new OAuthError('invalid_client', 'no_such_client', 'There is no such client.');
  return answer(200, await parts.kernel.exchange(tenantId, exchange));
}

/** Reads the request; what cannot be read stands in the ledger as a refusal too, where the address tells the tenant. */
async function readToken(
  parts: Parts,
  address: Address,
  request: Request,
  query: string,
): Promise<ExchangeRequest> {
  let form: FormParameters | null = null;
  try {
    form = await readForm(request, query);
    if (request.headers.has('authorization')) {
      throw new OAuthError(
        'invalid_client',
        'authorization_header',
        'Authenticate with private_key_jwt in the form, without an Authorization header.',
      );
    }
    return readExchange(form);
  } catch (error) {
    if (!(error instanceof OAuthError) || address.tenantId === null) throw error;
    const [client = null, mandate = null] = [form?.get('client_id')?.[0], form?.get('mandate_id')?.[0]];
    throw await parts.kernel.refused(address.tenantId, error, { client, authenticated: false, mandate });
  }
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
      'cache-control': 'public, max-age=60',
      'access-control-allow-origin': '*',
    },
  });
}
