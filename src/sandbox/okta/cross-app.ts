import { Hono } from 'hono';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { mintToken } from './authorization-server.ts';
import { publicJwk } from './keys.ts';
import { SANDBOX_WEB_CLIENT_ID, SANDBOX_WEB_CLIENT_SECRET } from './seed.ts';
import type { OktaEnv, Simulation } from './simulation.ts';

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ID_JAG = 'urn:ietf:params:oauth:token-type:id-jag';
const ID_TOKEN = 'urn:ietf:params:oauth:token-type:id_token';

type Answer = { status: 200 | 400 | 401; body: Record<string, unknown> };

const refuse = (error: string, error_description: string, status: 400 | 401 = 400): Answer => ({
  status,
  body: { error, error_description },
});

/**
 * Cross App Access at the org authorization server: `/oauth2/v1/token` exchanges an ID token of the web app
 * (RFC 8693) for an ID-JAG for another authorization server (draft-ietf-oauth-identity-assertion-authz-grant,
 * section 4.3). Other grants pass to the next route. `PUT /_sandbox/cross-app-access` with `{audience,
 * client_id}` sets the web app's client id at that server, as an administrator would.
 */
export function crossAppRoutes(sim: Simulation, clients: ReadonlyMap<string, string>): Hono<OktaEnv> {
  const app = new Hono<OktaEnv>();
  app.post('/oauth2/v1/token', async (c, next) => {
    const form = new URLSearchParams(await c.req.text());
    if (form.get('grant_type') !== EXCHANGE) return await next();
    c.header('cache-control', 'no-store');
    const { status, body } = await exchange(sim, clients, form, c.req.header('authorization') ?? '');
    return c.json(body, status);
  });
  return app;
}

/** The control API that sets the web app's client id at another authorization server. */
export function crossAppControl(clients: Map<string, string>): Hono<OktaEnv> {
  const app = new Hono<OktaEnv>();
  app.put('/cross-app-access', async (c) => {
    const { audience, client_id } = (await c.req.json()) as { audience: string; client_id: string };
    clients.set(audience, client_id);
    return c.json({ audience, client_id });
  });
  return app;
}

async function exchange(
  sim: Simulation,
  clients: ReadonlyMap<string, string>,
  form: URLSearchParams,
  authorization: string,
): Promise<Answer> {
  const basic = Buffer.from(authorization.replace(/^Basic /i, ''), 'base64').toString();
  const posted = `${form.get('client_id') ?? ''}:${form.get('client_secret') ?? ''}`;
  const known = `${SANDBOX_WEB_CLIENT_ID}:${SANDBOX_WEB_CLIENT_SECRET}`;
  if (basic !== known && posted !== known)
    return refuse('invalid_client', "Invalid value for 'client_id' parameter.", 401);
  if (form.get('requested_token_type') !== ID_JAG)
    return refuse('invalid_request', "The 'requested_token_type' is not supported.");
  if (form.get('subject_token_type') !== ID_TOKEN)
    return refuse('invalid_request', "The 'subject_token_type' is not supported.");
  const audience = form.get('audience') ?? '';
  const client_id = clients.get(audience);
  if (client_id === undefined) return refuse('invalid_target', "The 'audience' is not a connected app.");
  try {
    const { payload } = await jwtVerify(
      form.get('subject_token') ?? '',
      createLocalJWKSet({ keys: [publicJwk(sim.org.keys.orgIdToken)] }),
      { issuer: sim.url(), audience: SANDBOX_WEB_CLIENT_ID, currentDate: new Date(sim.now()) },
    );
    const scope = form.get('scope');
    const resource = form.get('resource');
    const token = await mintToken(sim, {
      type: 'id-jag',
      uid: payload.sub ?? '',
      audience,
      client_id,
      ...(scope === null ? {} : { scopes: scope.split(' ') }),
      ...(resource === null ? {} : { resource }),
    });
    const body = { issued_token_type: ID_JAG, access_token: token, token_type: 'N_A', expires_in: 300 };
    return { status: 200, body: scope === null ? body : { ...body, scope } };
  } catch {
    return refuse('invalid_grant', "The 'subject_token' is invalid.");
  }
}
