import { importJWK, jwtVerify } from 'jose';
import { OktaError } from './errors.ts';
import { publicJwk } from './keys.ts';
import { SANDBOX_API_TOKEN } from './seed.ts';
import type { Caller, Simulation } from './simulation.ts';
import { displayName } from './system-log.ts';

// The first matching path decides the scope family (OpenAPI description, `security` of each operation). Reads
// also accept `manage`.
const SCOPE_FAMILIES = [
  [/^\/api\/v1\/users\/[^/]+\/roles/, 'okta.roles'],
  [/^\/oauth2\/v1\/clients\/[^/]+\/roles/, 'okta.roles'],
  [/^\/api\/v1\/iam\/roles/, 'okta.roles'],
  [/^\/api\/v1\/users/, 'okta.users'],
  [/^\/api\/v1\/groups/, 'okta.groups'],
  [/^\/api\/v1\/apps/, 'okta.apps'],
  [/^\/api\/v1\/logs/, 'okta.logs'],
  [/^\/api\/v1\/meta\/schemas/, 'okta.schemas'],
  [/^\/api\/v1\/meta\/types/, 'okta.userTypes'],
] as const;

/**
 * The scope that a request needs, such as `okta.users.read`. Null for a path that the simulator does not
 * know.
 */
export function scopeFor(method: string, path: string): string | null {
  const family = SCOPE_FAMILIES.find(([paths]) => paths.test(path))?.[1];
  return family === undefined ? null : `${family}.${method === 'GET' ? 'read' : 'manage'}`;
}

/**
 * Whether the caller's token carries the scope, or for a read the managing one. An API token has no scopes,
 * so it passes.
 */
export const hasScope = (caller: Caller, scope: string): boolean =>
  caller.scopes === null ||
  caller.scopes.includes(scope) ||
  caller.scopes.includes(scope.replace(/\.read$/, '.manage'));

/**
 * The caller of an `Authorization` header: the seeded API token (`SSWS`), or a token of the org authorization
 * server. Throws E0000011 for everything else, including tokens of the custom server, which Okta's management
 * API does not accept.
 */
export async function authenticate(sim: Simulation, authorization: string | undefined): Promise<Caller> {
  const [scheme, credential] = (authorization ?? '').split(' ', 2);
  if (scheme === 'SSWS' && credential === SANDBOX_API_TOKEN) return apiTokenCaller(sim);
  if (scheme === 'Bearer' && credential !== undefined) return await serviceAppCaller(sim, credential);
  throw new OktaError('E0000011');
}

/** An API token acts as the administrator who created it: here the org's first active super administrator. */
function apiTokenCaller(sim: Simulation): Caller {
  const owner = [...sim.org.users.values()].find(
    (user) => user.status === 'ACTIVE' && user.roles.some((role) => role.type === 'SUPER_ADMIN'),
  );
  if (owner === undefined) throw new OktaError('E0000011');
  return {
    kind: 'api_token',
    actor: {
      id: owner.id,
      type: 'User',
      alternateId: String(owner.profile['login']),
      displayName: displayName(owner),
    },
    scopes: null,
    adminRoles: owner.roles.map((role) => role.type),
    tokenId: '00Tsandboxtoken000h7',
  };
}

async function serviceAppCaller(sim: Simulation, token: string): Promise<Caller> {
  const { serviceApp, keys } = sim.org;
  try {
    const { payload } = await jwtVerify(token, await importJWK(publicJwk(keys.org), 'RS256'), {
      issuer: sim.url(),
      audience: sim.url(),
      algorithms: ['RS256'],
      currentDate: new Date(sim.now()),
    });
    if (payload['cid'] !== serviceApp.clientId || !Array.isArray(payload['scp']))
      throw new OktaError('E0000011');
    return {
      kind: 'service_app',
      actor: {
        id: serviceApp.clientId,
        type: 'PublicClientApp',
        alternateId: serviceApp.clientId,
        displayName: serviceApp.label,
      },
      scopes: payload['scp'].map(String),
      adminRoles: serviceApp.adminRoles,
      tokenId: null,
    };
  } catch {
    throw new OktaError('E0000011');
  }
}
