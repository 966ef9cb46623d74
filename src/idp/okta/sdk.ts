import okta from '@okta/okta-sdk-nodejs';
import { Fault } from '#lib/fault.ts';
import { faultOfUnreadable } from './errors.ts';
import type { CallOptions, GatewayExecutor } from './executor.ts';

/** The official SDK's client. Its executor holds the credential. */
export type SdkClient = okta.Client;

/**
 * Builds the SDK's client so that it takes nothing from this machine. Its constructor merges
 * `~/.okta/okta.yaml`, `./okta.yaml` and OKTA_CLIENT_* under the given values, so every value that it knows
 * is given. The mode is SSWS with a dummy token, because the SDK's own OAuth has no expiry and swallows
 * errors; the executor replaces the header. Throws Fault `internal` if the SDK does not start.
 */
export function createClient(orgUrl: string, executor: GatewayExecutor, userAgent: string): SdkClient {
  try {
    // A variable, since the SDK's types lack `userAgent` and would reject a literal in the call.
    const configuration = {
      authorizationMode: 'SSWS',
      orgUrl,
      token: 'held-by-the-gateway',
      clientId: '',
      scopes: [],
      privateKey: '',
      keyId: '',
      userAgent,
      requestExecutor: executor,
      // The default caches GET answers for ever, and hangs on large users (README, "Known issues").
      cacheMiddleware: null,
    };
    const client = new okta.Client(configuration);
    delete client.http.defaultHeaders['Authorization'];
    // The executor has its own transport, so drop the agent that https_proxy put here.
    client.http.agent = undefined;
    return client;
  } catch {
    // Without a cause: the YAML parser quotes the file, which may contain a token.
    throw new Fault(
      'internal',
      'The Okta SDK did not start. Look for a damaged okta.yaml in the home or working directory and remove it.',
      {
        detail: { reason: 'sdk_start' },
      },
    );
  }
}

/**
 * The SDK's user operations for one call. Each call gets a new API object, because only then does the SDK
 * pass an AbortSignal on; this costs a few microseconds.
 */
export function userApi(client: SdkClient, call: CallOptions): okta.UserApi {
  return new okta.UserApi(
    okta.createConfiguration({
      baseServer: new okta.ServerConfiguration(client.baseUrl, {}),
      httpApi: { send: (context) => client.http.send(Object.assign(context, call)) },
    }),
  );
}

/**
 * GETs raw JSON through the SDK's HTTP layer, because the SDK's typed models drop fields and its collections
 * yield null. `next` is the next page's URL, or null.
 */
export async function getJson(
  client: SdkClient,
  url: string,
  call: CallOptions & { readonly contentType?: string },
): Promise<{ body: unknown; next: string | null }> {
  const headers = {
    accept: 'application/json',
    ...(call.contentType === undefined ? {} : { 'content-type': call.contentType }),
  };
  const request = { url, method: 'get', headers, signal: call.signal, waitBudgetMs: call.waitBudgetMs };
  // The SDK's types name node-fetch's Response; the executor returns the platform's.
  const response = (await client.http.http(url, request)) as unknown as Response;
  try {
    return {
      body: JSON.parse(await response.text()) as unknown,
      next: nextLink(response.headers.get('link'), client.baseUrl),
    };
  } catch {
    throw faultOfUnreadable(response.status, response.headers, {
      change: false,
      path: new URL(url).pathname,
    });
  }
}

/**
 * The target of `rel="next"` in a Link header (RFC 8288), or null. Only its path and query are used, at our
 * own host: Okta names its own host even if we reach it by another one (a custom domain, a proxy), and our
 * credential must go nowhere else.
 */
function nextLink(header: string | null, baseUrl: string): string | null {
  for (const [, target, parameters] of (header ?? '').matchAll(/<([^>]*)>([^<]*)/g)) {
    if (target === undefined || !/;\s*rel="?next"?/i.test(parameters ?? '')) continue;
    const { pathname, search } = new URL(target, baseUrl);
    return `${baseUrl}${pathname}${search}`;
  }
  return null;
}
