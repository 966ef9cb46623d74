import type { Actor, ServiceActor } from '#domain/actor.ts';
import { presentedRequest, type PresentedRequest } from '#domain/token/client/dpop.ts';
import type { TokenKernel } from '#domain/token/kernel.ts';
import { tenantOfIssuer } from '#domain/token/names.ts';
import { onlyTenant } from '#domain/token/resource-metadata.ts';
import type { App } from '#engine/app.ts';
import { Fault } from '#lib/fault.ts';
import { parseJwt } from '#lib/jwt.ts';
import { credentialOf } from '#lib/authorization.ts';

/** The verified sender of a request. */
export interface Caller {
  readonly tenantId: string;
  readonly actor: Actor;
  /** The scopes of the caller's API key. Empty for every other caller. */
  readonly keyScopes: readonly string[];
  /**
   * The resource server that holds the caller's API key. Null if none does, or if the caller has no API key.
   */
  readonly keyResource: string | null;
  /** The caller's own key for a change (`Idempotency-Key`), if one was sent. */
  readonly idempotencyKey?: string;
}

/**
 * The caller with one more tool than its key names. For routes that have checked another scope (`admin`)
 * instead.
 */
export const withTool = (caller: Caller, tool: string): Caller =>
  caller.actor.kind === 'service'
    ? { ...caller, actor: { ...caller.actor, tools: [...caller.actor.tools, tool] } }
    : caller;

/** Names the organisation when the credential is a person's own access token: `X-Prokura-Tenant: tnt_…`. */
export const TENANT_HEADER = 'x-prokura-tenant';

/** What REST uses of the token kernel. */
export type Kernel = Pick<TokenKernel, 'verify' | 'verifySubject' | 'tenantOf' | 'tryToken'>;

/**
 * Verifies one of three kinds of credentials, which differ in form: an API key (`Bearer tnt_…:mk_…`); a token
 * of ours for `<base URL>/v1`, of an agent or of a client that a person signed in to; or an access token from
 * the person's identity provider, for which the header must name the organisation unless there is only one.
 *
 * Throws Fault `unauthenticated` and `unavailable`. Does not check what the caller may do.
 */
export async function authenticate(
  app: Pick<App, 'database' | 'apiKey' | 'baseUrl'>,
  kernel: Kernel,
  request: Request,
): Promise<Caller> {
  const { headers } = request;
  const header = headers.get('authorization');
  const came = presentedRequest(app.baseUrl, request);
  const presented = credentialOf(header);
  if (presented === null || !['bearer', 'dpop'].includes(presented.scheme)) {
    throw refuse(
      'no_token',
      'Send "Authorization: Bearer …" with an API key (tnt_…:mk_…), a delegation token or an access token of your identity provider.',
    );
  }
  const { token } = presented;
  const ours = tenantOfIssuer(app.baseUrl, parseJwt(token)?.claims['iss']) !== null;
  if (token.startsWith('tnt_')) {
    if (came.scheme === 'dpop') throw refuse('dpop_not_bound', 'Send API keys with the scheme Bearer.');
    const key = await app.apiKey(`Bearer ${token}`);
    if (!key.restEnabled)
      throw refuse(
        'api_keys_disabled',
        'This organisation does not accept API keys here: API_KEY is not in its enabled_providers. An IT admin can change that.',
      );
    const actor: ServiceActor = {
      kind: 'service',
      surface: 'rest',
      keyId: key.id,
      name: `api-key:${key.name}`,
      tools: key.scopes,
    };
    return { tenantId: key.tenantId, actor, keyScopes: key.scopes, keyResource: key.resource };
  }
  // The unverified issuer only chooses the verifier: neither accepts a token that the other one should have
  // refused.
  if (ours) return agent(app, kernel, token, came);
  return person(app, kernel, token, headers.get(TENANT_HEADER), came);
}

async function agent(
  app: Pick<App, 'baseUrl'>,
  kernel: Kernel,
  token: string,
  came: PresentedRequest,
): Promise<Caller> {
  const verified = await kernel.verify(token, `${app.baseUrl}/v1`, came);
  if (verified.kind === 'client') {
    const { tenantId, personId, clientId, scopes } = verified;
    const identity = { matched_by: 'okta_login', client: clientId };
    const through = { clientId, scopes };
    return {
      tenantId,
      actor: { kind: 'person', surface: 'rest', personId, identity, through },
      keyScopes: [],
      keyResource: null,
    };
  }
  const { tenantId, agentId, personId, mandateId, scopes, jti, constraints } = verified;
  const details = constraints === null ? {} : { details: constraints };
  return {
    tenantId,
    actor: { kind: 'agent', surface: 'rest', agentId, personId, mandateId, scopes, jti, ...details },
    keyScopes: [],
    keyResource: null,
  };
}

async function person(
  app: Pick<App, 'database'>,
  kernel: Kernel,
  token: string,
  named: string | null,
  came: PresentedRequest,
): Promise<Caller> {
  const tenantId =
    named === null ? await onlyTenant(app.database.sql) : await kernel.tenantOf('tenant', named);
  if (tenantId === null)
    throw refuse('no_such_tenant', 'Send the organisation of the token: X-Prokura-Tenant: tnt_….');
  const { personId, provider, clientId, scopes } = await kernel.verifySubject(tenantId, token, came);
  const identity = { matched_by: 'access_token', provider, cid: clientId };
  return {
    tenantId,
    actor: { kind: 'person', surface: 'rest', personId, identity, tokenScopes: scopes },
    keyScopes: [],
    keyResource: null,
  };
}

const refuse = (reason: string, message: string): Fault =>
  new Fault('unauthenticated', message, { detail: { reason } });
