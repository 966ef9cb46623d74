import { Hono } from 'hono';
import { notFound } from '../errors.ts';
import { BASE_ATTRIBUTES, CUSTOM_ATTRIBUTES } from '../profile.ts';
import { DEFAULT_USER_TYPE_ID } from '../seed.ts';
import type { OktaEnv, Simulation } from '../simulation.ts';

const CREATED = '2025-01-06T09:00:00.000Z';
const PERMISSIONS = [{ principal: 'SELF', action: 'READ_WRITE' }];

/**
 * `/meta/types/user` and `/meta/schemas/user/default`: the one user type, its base attributes and one custom
 * attribute.
 */
export function metadataRoutes(sim: Simulation): Hono<OktaEnv> {
  const app = new Hono<OktaEnv>();
  app.get('/meta/types/user', (c) => c.json([userType(sim)]));
  app.get('/meta/types/user/:id', (c) => {
    if (![DEFAULT_USER_TYPE_ID, 'default'].includes(c.req.param('id')))
      throw notFound(c.req.param('id'), 'UserType');
    return c.json(userType(sim));
  });
  app.get('/meta/schemas/user/:id', (c) => {
    if (c.req.param('id') !== 'default') throw notFound(c.req.param('id'), 'UserSchema');
    return c.json(userSchema(sim));
  });
  return app;
}

const userType = (sim: Simulation): Record<string, unknown> => ({
  id: DEFAULT_USER_TYPE_ID,
  name: 'user',
  displayName: 'User',
  description: 'Okta user profile template with default permission settings',
  createdBy: 'system',
  lastUpdatedBy: 'system',
  created: CREATED,
  lastUpdated: CREATED,
  default: true,
  _links: {
    self: { href: `${sim.url()}/api/v1/meta/types/user/${DEFAULT_USER_TYPE_ID}` },
    schema: { href: `${sim.url()}/api/v1/meta/schemas/user/default` },
  },
});

function userSchema(sim: Simulation): Record<string, unknown> {
  const id = `${sim.url()}/api/v1/meta/schemas/user/default`;
  const base = Object.entries(BASE_ATTRIBUTES).map(([name, [title, required]]) => [
    name,
    {
      title,
      type: 'string',
      ...(required && { required: true }),
      mutability: 'READ_WRITE',
      scope: 'NONE',
      permissions: PERMISSIONS,
      master: { type: 'PROFILE_MASTER' },
    },
  ]);
  const custom = Object.entries(CUSTOM_ATTRIBUTES).map(([name, title]) => [
    name,
    {
      title,
      type: 'string',
      mutability: 'READ_WRITE',
      scope: 'NONE',
      permissions: PERMISSIONS,
      master: { type: 'PROFILE_MASTER' },
    },
  ]);
  return {
    id,
    $schema: 'http://json-schema.org/draft-04/schema#',
    name: 'user',
    title: 'User',
    description: 'Okta user profile template with default permission settings',
    lastUpdated: CREATED,
    created: CREATED,
    definitions: {
      base: {
        id: '#base',
        type: 'object',
        properties: Object.fromEntries(base) as unknown,
        required: ['login', 'firstName', 'lastName', 'email'],
      },
      custom: {
        id: '#custom',
        type: 'object',
        properties: Object.fromEntries(custom) as unknown,
        required: [],
      },
    },
    type: 'object',
    properties: { profile: { allOf: [{ $ref: '#/definitions/custom' }, { $ref: '#/definitions/base' }] } },
    _links: { self: { href: id, method: 'GET', rel: 'self' } },
  };
}
