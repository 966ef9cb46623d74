import type { Authentication } from './credentials.ts';
import type { DpopProver } from './dpop.ts';
import { errorOfAnswer, ProkuraError } from './errors.ts';
import { exchangeHttp, jsonObject, type Fetch, type Limits } from './http.ts';
import type { ServerMetadata } from './metadata.ts';

/** What is needed to call the endpoints of an issuer as a client. */
export interface EndpointParts {
  readonly fetch: Fetch;
  readonly now: () => Date;
  readonly limits: Limits;
  readonly discover: () => Promise<ServerMetadata>;
  readonly authenticate: (server: ServerMetadata) => Promise<Authentication>;
}

type EndpointName = 'tokenEndpoint' | 'introspectionEndpoint' | 'revocationEndpoint';

/**
 * Posts a form to one of the issuer's endpoints as the client, and returns the JSON of a 200 answer (an
 * empty object if it has no body). With a prover, the request carries a proof. If the server asks for a
 * nonce, the request is sent once more with a new assertion (RFC 9449 section 8). Throws ProkuraError.
 */
export async function postForm(
  parts: EndpointParts,
  endpoint: EndpointName,
  form: Readonly<Record<string, string>>,
  prover: DpopProver | null = null,
): Promise<Readonly<Record<string, unknown>>> {
  const server = await parts.discover();
  const url = server[endpoint];
  if (url === null) throw new ProkuraError('unsupported', `${server.issuer} has no ${endpoint}.`);
  for (let attempt = 1; ; attempt += 1) {
    const authentication = await parts.authenticate(server);
    const headers = {
      accept: 'application/json',
      'content-type': 'application/x-www-form-urlencoded',
      ...authentication.headers,
      ...(prover === null ? {} : { dpop: await prover.proof('POST', url) }),
    };
    const body = new URLSearchParams({ ...form, ...authentication.form }).toString();
    const answer = await exchangeHttp(parts.fetch, url, { method: 'POST', headers, body }, parts.limits);
    const learned = prover?.learn(url, answer.headers) ?? false;
    const json = jsonObject(answer.bytes);
    if (answer.status === 200 && (json !== null || answer.bytes.length === 0)) return json ?? {};
    if (attempt === 1 && learned && json?.['error'] === 'use_dpop_nonce') continue;
    if (answer.status === 200)
      throw new ProkuraError('invalid_response', `${url} did not respond with JSON.`, { status: 200 });
    throw errorOfAnswer(answer.status, answer.headers, json, parts.now());
  }
}
