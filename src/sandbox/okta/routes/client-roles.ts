import { Hono, type Context } from 'hono';
import { notFound, OktaError } from '../errors.ts';
import { seededId } from '../ids.ts';
import { roleLabel } from '../seed.ts';
import type { OktaEnv, Simulation } from '../simulation.ts';

const CREATED = '2025-01-06T09:00:00.000Z';
const ROLE_ID = seededId('cr0', 'prokura');
const RESOURCE_SET_ID = seededId('iam', 'prokura');
const ROLE_LABEL = 'Prokura';

/**
 * `/oauth2/v1/clients/{id}/roles`: the administrator roles of the service app. It is beside the management
 * API, and takes its tokens. Roles of other apps are not simulated: there are none.
 */
export function clientRoleRoutes(sim: Simulation): Hono<OktaEnv> {
  const app = new Hono<OktaEnv>();
  app.get('/:client/roles', (c) => {
    requireIamRead(sim, c);
    const { serviceApp } = sim.org;
    if (c.req.param('client') !== serviceApp.clientId)
      throw notFound(c.req.param('client'), 'PublicClientApp');
    return c.json(serviceApp.adminRoles.map((type) => assignment(sim, type)));
  });
  return app;
}

/** `/iam/roles/{id}/permissions`: what the one custom role allows, by id or label. */
export function iamRoutes(sim: Simulation): Hono<OktaEnv> {
  const app = new Hono<OktaEnv>();
  app.get('/iam/roles/:role/permissions', (c) => {
    requireIamRead(sim, c);
    const { customPermissions } = sim.org.serviceApp;
    if (customPermissions === undefined || ![ROLE_ID, ROLE_LABEL].includes(c.req.param('role')))
      throw notFound(c.req.param('role'), 'Role');
    const role = `${sim.url()}/api/v1/iam/roles/${ROLE_ID}`;
    return c.json({
      permissions: customPermissions.map((label) => ({
        label,
        created: CREATED,
        lastUpdated: CREATED,
        _links: { role: { href: role }, self: { href: `${role}/permissions/${label}` } },
      })),
    });
  });
  return app;
}

/** A custom role shows roles only with `okta.iam.read`; standard roles show them. Throws E0000006. */
export function requireIamRead(sim: Simulation, c: Context<OktaEnv>): void {
  const { adminRoles } = c.get('caller');
  const { customPermissions = [] } = sim.org.serviceApp;
  const custom = adminRoles.length > 0 && adminRoles.every((role) => role === 'CUSTOM');
  if (adminRoles.length === 0 || (custom && !customPermissions.includes('okta.iam.read')))
    throw new OktaError('E0000006');
}

function assignment(sim: Simulation, type: string): Record<string, unknown> {
  const assignee = { href: `${sim.url()}/oauth2/v1/clients/${sim.org.serviceApp.clientId}` };
  const common = {
    type,
    status: 'ACTIVE',
    created: CREATED,
    lastUpdated: CREATED,
    assignmentType: 'CLIENT',
  };
  if (type !== 'CUSTOM')
    return {
      id: seededId('ra1', type.toLowerCase()),
      label: roleLabel(type),
      ...common,
      _links: { assignee },
    };
  const role = `${sim.url()}/api/v1/iam/roles/${ROLE_ID}`;
  const set = `${sim.url()}/api/v1/iam/resource-sets/${RESOURCE_SET_ID}`;
  return {
    id: seededId('irb', 'prokura'),
    label: ROLE_LABEL,
    ...common,
    'resource-set': RESOURCE_SET_ID,
    role: ROLE_ID,
    _links: {
      role: { href: role },
      'resource-set': { href: set },
      permissions: { href: `${role}/permissions` },
      member: { href: `${set}/bindings/${ROLE_ID}/members/${seededId('irb', 'prokura')}` },
      assignee,
    },
  };
}
