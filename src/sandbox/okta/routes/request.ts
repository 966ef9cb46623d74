import type { Context } from 'hono';
import { notFound, OktaError } from '../errors.ts';
import type { OktaEnv, Simulation } from '../simulation.ts';
import type { LogSource } from '../system-log.ts';
import type { AppRecord, GroupRecord, UserRecord } from '../types.ts';

/** The log's view of the request in hand. */
export const sourceOf = (c: Context<OktaEnv>): LogSource => ({
  caller: c.get('caller'),
  requestId: c.get('requestId'),
  path: c.req.path,
  userAgent: c.req.header('user-agent') ?? 'unknown',
});

/** The JSON body as an object; throws E0000003 where it is none. */
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

/** False only where the caller is an app without any admin role: such a caller sees nothing. */
export const seesAnything = (c: Context<OktaEnv>): boolean => c.get('caller').adminRoles.length > 0;

/** The user by id, by login, or by the part of the login before the `@` where that is unambiguous; `me` is the caller. */
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

/** Only a super administrator may change a person who is an administrator. */
export function assertMayChange(c: Context<OktaEnv>, user: UserRecord): UserRecord {
  const { adminRoles } = c.get('caller');
  if (adminRoles.every((role) => role.startsWith('READ_ONLY') || role === 'REPORT_ADMIN'))
    throw new OktaError('E0000006');
  if (user.roles.length > 0 && !adminRoles.includes('SUPER_ADMIN')) throw new OktaError('E0000006');
  return user;
}

/** The group by id; throws E0000007. */
export function groupOf(sim: Simulation, c: Context<OktaEnv>, id: string): GroupRecord {
  const group = sim.org.groups.get(id);
  if (group === undefined || !seesAnything(c)) throw notFound(id, 'UserGroup');
  return group;
}

/** The app by id; throws E0000007. */
export function appOf(sim: Simulation, c: Context<OktaEnv>, id: string): AppRecord {
  const app = sim.org.apps.get(id);
  if (app === undefined || !seesAnything(c)) throw notFound(id, 'AppInstance');
  return app;
}
