import { afterAll, beforeAll, expect, test } from 'vitest';
import { openWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const rest = (method: string, path: string, body?: unknown) =>
  fetch(`${world.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${world.company.api_keys.admin}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });

test.each([
  ['a call by id', () => rest('GET', '/v1/calls/%00')],
  ['a filter of the ledger', () => rest('GET', '/v1/ledger?actor=%00')],
  ['an address that is not UTF-8', () => rest('GET', '/v1/ledger?actor=%ED%A0%80')],
  [
    'the name of a key',
    () => rest('POST', `/v1/tenants/${world.tenantId}/api-keys`, { name: 'x\0y', scopes: ['scim'] }),
  ],
  [
    'half of a surrogate pair in a name',
    () => rest('POST', `/v1/tenants/${world.tenantId}/api-keys`, { name: 'x\ud800y', scopes: ['scim'] }),
  ],
  ['the input of a tool', () => rest('POST', '/v1/tools/mandate_list', { agent: 'a\0b' })],
  [
    'a token request without a credential',
    () =>
      fetch(`${world.url}/t/${world.tenantId}/oauth2/token`, {
        method: 'POST',
        body: new URLSearchParams({ grant_type: 'refresh_token', client_id: '\0', refresh_token: 'x' }),
      }),
  ],
  [
    'a token request of a tenant',
    () => fetch(`${world.url}/t/%00/oauth2/token`, { method: 'POST', body: '' }),
  ],
  ['a user of SCIM', () => fetch(`${world.url}/v1/scim/v2/Users/%00`)],
])('NUL or broken text in %s is 400, and no error of ours', async (_, send) => {
  const before = world.logs.length;
  expect((await send()).status).toBe(400);
  expect(world.logs.slice(before).filter((line) => Number(line['level']) >= 50)).toEqual([]);
});

test('an error of the database is logged without what the statement was called with', async () => {
  await world.sql`revoke insert on api_keys from prokura_server`;
  const before = world.logs.length;
  const response = await rest('POST', `/v1/tenants/${world.tenantId}/api-keys`, {
    name: 'a-name-that-nobody-logs',
    scopes: ['okta_find_user'],
  });
  await world.sql`grant insert on api_keys to prokura_server`;
  expect(response.status).toBe(500);
  const lines = JSON.stringify(world.logs.slice(before));
  expect(lines).toContain('permission denied for table api_keys');
  expect(lines).not.toContain('a-name-that-nobody-logs');
});
