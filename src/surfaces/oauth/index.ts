import type { IncomingMessage, ServerResponse } from 'node:http';
import { JWKS_MAX_AGE_SECONDS } from '#domain/token/names.ts';
import { pathAndQuery, plainOfNode, plainOfWeb, sendToNode, sendWebToNode, toWeb } from '#lib/plain-http.ts';
import type { PlainRequest } from '#lib/plain-http.ts';
import { joined } from './browser/metadata.ts';
import { addressOf, type Address, type Endpoint } from './address.ts';
import { answer, failure } from './faults.ts';
import { MAX_FORM_BYTES } from './form.ts';
import { HOT, type HotHandler, type HotParts } from './hot.ts';
import { globalTokenRevocation, securityEvents } from './logout.ts';
import { metadata } from './metadata.ts';
import { statusList } from './status.ts';

type Parts = HotParts;

/** The OAuth 2 interface: one issuer per tenant, `<base>/t/<tenant>`, and aliases at the root. */
export interface OAuthSurface {
  readonly name: 'oauth';
  /** Answers a request, or null if its path belongs to another interface. Never throws. */
  fetch(request: Request): Promise<Response | null>;
  /**
   * Answers the endpoints in `HOT` without web requests in between. False for other requests, of which it
   * reads nothing.
   */
  direct(incoming: IncomingMessage, outgoing: ServerResponse): boolean;
}

type Handler = (parts: Parts, address: Address, request: Request) => Promise<Response>;

const ENDPOINTS = {
  jwks: {
    method: 'GET',
    handle: (parts, { tenantId }) => publish(parts, tenantId, (id) => parts.kernel.jwks(id)),
  },
  metadata: {
    method: 'GET',
    handle: (parts, { tenantId }) =>
      publish(parts, tenantId, async (id) =>
        joined(metadata(parts.app.baseUrl, id), (await parts.browser?.metadata(id)) ?? null),
      ),
  },
  status: { method: 'GET', handle: statusList },
  logout: { method: 'POST', handle: globalTokenRevocation },
  events: { method: 'POST', handle: securityEvents },
  browser: { method: null, handle: browser },
} as const satisfies Record<
  Exclude<Endpoint, keyof typeof HOT>,
  { method: 'GET' | 'POST' | null; handle: Handler }
>;

/** Creates the OAuth interface. */
export function oauthSurface(parts: Parts): OAuthSurface {
  const { log } = parts.app;

  /** Runs a handler and turns what it throws into an answer. */
  async function run(handle: HotHandler, address: Address, request: PlainRequest) {
    try {
      return await handle(parts, address, request);
    } catch (error) {
      return failure(error, log, request.header('authorization'));
    }
  }

  async function serve(
    handle: HotHandler,
    address: Address,
    incoming: IncomingMessage,
    outgoing: ServerResponse,
  ) {
    try {
      const request = await plainOfNode(incoming, MAX_FORM_BYTES);
      const answered = await run(handle, address, request);
      if (answered instanceof Response) await sendWebToNode(answered, outgoing);
      else sendToNode(answered, outgoing);
    } catch (error) {
      // The caller has gone away.
      log.debug({ err: error }, 'oauth: a request broke off');
      outgoing.destroy();
    }
  }

  return {
    name: 'oauth',
    fetch: async (request) => {
      const address = addressOf(new URL(request.url).pathname);
      if (address === null) return null;
      const { endpoint } = address;
      const asked = request.method === 'HEAD' ? 'GET' : request.method;
      if (isHot(endpoint)) {
        if (asked !== 'POST') return notThisMethod('POST');
        const done = await run(HOT[endpoint], address, await plainOfWeb(request, MAX_FORM_BYTES));
        return done instanceof Response ? done : toWeb(done);
      }
      const { method, handle } = ENDPOINTS[endpoint];
      if (method !== null && asked !== method) return notThisMethod(method);
      try {
        return await handle(parts, address, request);
      } catch (error) {
        return toWeb(failure(error, log, request.headers.get('authorization')));
      }
    },
    direct: (incoming, outgoing) => {
      if (incoming.method !== 'POST') return false;
      const address = addressOf(pathAndQuery(incoming)[0]);
      if (address === null || !isHot(address.endpoint)) return false;
      void serve(HOT[address.endpoint], address, incoming, outgoing);
      return true;
    },
  };
}

const isHot = (endpoint: Endpoint): endpoint is keyof typeof HOT => endpoint in HOT;

const notThisMethod = (method: string): Response =>
  answer(405, { error: 'invalid_request', error_description: `Use ${method}.` }, { allow: method });

async function browser(parts: Parts, address: Address, request: Request): Promise<Response> {
  if (parts.browser === undefined || address.tenantId === null)
    return answer(404, { error: 'not_found', error_description: 'Sign-in is not set up.' });
  return parts.browser.fetch(address.tenantId, request);
}

/** A public document of a tenant. Anybody may cache it for `JWKS_MAX_AGE_SECONDS`. */
async function publish(
  parts: Parts,
  tenantId: string | null,
  document: (tenantId: string) => Promise<unknown>,
): Promise<Response> {
  if (tenantId === null || (await parts.kernel.tenantOf('tenant', tenantId)) === null) {
    return answer(404, { error: 'not_found', error_description: 'Unknown issuer.' });
  }
  return new Response(JSON.stringify(await document(tenantId)), {
    headers: {
      'content-type': 'application/json',
      'cache-control': `public, max-age=${JWKS_MAX_AGE_SECONDS}`,
      'access-control-allow-origin': '*',
    },
  });
}
