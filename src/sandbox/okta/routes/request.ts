import type { Context } from 'hono';
import { notFound, OktaError } from '../errors.ts';
import type { OktaEnv, Simulation } from '../simulation.ts';
import type { LogSource } from '../system-log.ts';
import type { AppRecord, GroupRecord, UserRecord } from '../types.ts';

/** The current request as the source of log events. */
export const sourceOf = (c: Context<OktaEnv>): LogSource => ({
  caller: c.get('caller'),
  requestId: c.get('requestId'),
  path: c.req.path,
  userAgent: c.req.header('user-agent') ?? 'unknown',
});

/** The JSON body as an object. Throws E0000003 for anything else. */
export async function bodyOf(c: Context<OktaEnv>): Promise<Record<string, unknown>> {
  try {
    const body: unknown = JSON.parse(await c.req.text());
    if (isObject(body)) return body;
  } catch {
    throw new OktaError('E0000003');
  }
  throw new OktaError('E0000003');
}

/** True for a JSON object, false for arrays and null. */
export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Whether the caller sees anything. An app without an administrator role does not. */
export const seesAnything = (c: Context<OktaEnv>): boolean => c.get('caller').adminRoles.length > 0;

/**
 * The user by id, by login, or by the part of the login before the `@` if that is unique; `me` is the caller.
 * Throws E0000007.
 */
export function userOf(sim: Simulation, c: Context<OktaEnv>, idOrLogin: string): UserRecord {
  const wanted = idOrLogin === 'me' ? c.get('caller').actor.id : idOrLogin;
  const found = sim.org.users.get(wanted) ?? userByLogin(sim, wanted.toLowerCase());
  if (found === undefined || !seesAnything(c)) throw notFound(wanted, 'User');
  return found;
}

function userByLogin(sim: Simulation, wanted: string): UserRecord | undefined {
  const login = (user: UserRecord): string => String(user.profile['login']).toLowerCase();
  const everyone = [...sim.org.users.values()];
  const short = everyone.filter((user) => login(user).split('@')[0] === wanted);
  return everyone.find((user) => login(user) === wanted) ?? (short.length === 1 ? short[0] : undefined);
}

/**
 * Throws E0000006 if the caller may only read, or is not a super administrator and the person is an
 * administrator.
 */
export function assertMayChange(c: Context<OktaEnv>, user: UserRecord): UserRecord {
  const { adminRoles } = c.get('caller');
  if (adminRoles.every((role) => role.startsWith('READ_ONLY') || role === 'REPORT_ADMIN'))
    throw new OktaError('E0000006');
  if (user.roles.length > 0 && !adminRoles.includes('SUPER_ADMIN')) throw new OktaError('E0000006');
  return user;
}

/** The group by id. Throws E0000007. */
export function groupOf(sim: Simulation, c: Context<OktaEnv>, id: string): GroupRecord {
  const group = sim.org.groups.get(id);
  if (group === undefined || !seesAnything(c)) throw notFound(id, 'UserGroup');
  return group;
}

/** The app by id. Throws E0000007. */
export function appOf(sim: Simulation, c: Context<OktaEnv>, id: string): AppRecord {
  const app = sim.org.apps.get(id);
  if (app === undefined || !seesAnything(c)) throw notFound(id, 'AppInstance');
  return app;
}
