import { Hono } from 'hono';
import { invalid, notFound, OktaError } from '../errors.ts';
import { oktaId } from '../ids.ts';
import { roleLabel } from '../seed.ts';
import { isoNow, type OktaEnv, type Simulation } from '../simulation.ts';
import { userTarget, writeLog } from '../system-log.ts';
import type { RoleRecord } from '../types.ts';
import { roleView } from '../views.ts';
import { requireIamRead } from './client-roles.ts';
import { bodyOf, sourceOf, userOf } from './request.ts';

/**
 * `/users/{id}/roles`: administrator roles that are assigned directly. Roles through a group are not
 * simulated.
 */
export function roleRoutes(sim: Simulation): Hono<OktaEnv> {
  const app = new Hono<OktaEnv>();
  app.get('/users/:id/roles', (c) => {
    requireIamRead(sim, c);
    const user = userOf(sim, c, c.req.param('id'));
    return c.json(user.roles.map((role) => roleView(sim, user, role)));
  });
  app.get('/users/:id/roles/:role', (c) => {
    requireIamRead(sim, c);
    const user = userOf(sim, c, c.req.param('id'));
    const role = user.roles.find((each) => each.id === c.req.param('role'));
    if (role === undefined) throw notFound(c.req.param('role'), 'RoleAssignment');
    return c.json(roleView(sim, user, role));
  });
  app.post('/users/:id/roles', async (c) => {
    const user = userOf(sim, c, c.req.param('id'));
    const { type } = await bodyOf(c);
    if (!c.get('caller').adminRoles.includes('SUPER_ADMIN')) throw new OktaError('E0000006');
    if (typeof type !== 'string' || roleLabel(type) === type)
      throw invalid('type', 'type: The role type is not valid');
    if (user.roles.some((role) => role.type === type)) throw new OktaError('E0000090');
    const role: RoleRecord = { id: oktaId('ra1'), type, label: roleLabel(type), created: isoNow(sim) };
    user.roles.push(role);
    writeLog(sim, sourceOf(c), 'user.account.privilege.grant', [userTarget(user)]);
    return c.json(roleView(sim, user, role), 201);
  });
  app.delete('/users/:id/roles/:role', (c) => {
    const user = userOf(sim, c, c.req.param('id'));
    if (!c.get('caller').adminRoles.includes('SUPER_ADMIN')) throw new OktaError('E0000006');
    if (!user.roles.some((each) => each.id === c.req.param('role')))
      throw notFound(c.req.param('role'), 'RoleAssignment');
    user.roles = user.roles.filter((each) => each.id !== c.req.param('role'));
    writeLog(sim, sourceOf(c), 'user.account.privilege.revoke', [userTarget(user)]);
    return c.body(null, 204);
  });
  return app;
}
