import { afterAll, beforeAll, expect, test } from 'vitest';
import { newId } from '#lib/id.ts';
import type { Route } from '#surfaces/rest/route.ts';
import { ROUTES } from '#surfaces/rest/routes.ts';
import { openWorld, type World } from '../support/world.ts';

let world: World;
let other: string;
beforeAll(async () => {
  world = await openWorld();
  other = await keyWith('calls:read');
});
afterAll(() => world.close());

async function keyWith(scope: string): Promise<string> {
  const path = `/v1/tenants/${world.tenantId}/api-keys`;
  const made = await send('POST', path, world.company.api_keys.admin, { name: scope, scopes: [scope] });
  return String(((await made.json()) as Record<string, unknown>)['api_key']);
}
const send = (method: string, path: string, key: string | null, body?: object) =>
  fetch(`${world.url}${path}`, {
    method,
    headers: {
      ...(key === null ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
const at = (route: Route, tenantId = world.tenantId) =>
  route.path.replace('{tenantId}', tenantId).replaceAll(/\{\w+\}/g, 'x');
const statuses = async (routes: readonly Route[], ask: (route: Route) => Promise<Response>) =>
  Object.fromEntries(
    await Promise.all(
      routes.map(async (route) => [`${route.method} ${route.path}`, (await ask(route)).status] as const),
    ),
  );
const all = (routes: readonly Route[], status: number) =>
  Object.fromEntries(routes.map((route) => [`${route.method} ${route.path}`, status]));

test('every route is there once, and another method gets 405 with the methods of its path', async () => {
  const names = ROUTES.map(({ method, path }) => `${method} ${path}`);
  expect(new Set(names).size).toBe(names.length);
  for (const path of new Set(ROUTES.map((route) => route.path))) {
    const methods = ROUTES.filter((route) => route.path === path).map(({ method }) => method);
    const answer = await send('PATCH', path.replaceAll(/\{\w+\}/g, 'x'), null);
    expect([path, answer.status, answer.headers.get('allow')]).toEqual([path, 405, methods.join(', ')]);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
  }
  for (const path of ['/v1/calls/x/y', '/v1/tools/x/y', '/v1/ledger/x', '/v1/agents'])
    expect((await send('GET', path, null)).status).toBe(404);
});

test('what needs a credential is refused without one', async () => {
  const routes = ROUTES.filter(({ who }) => who !== 'anybody');
  expect(routes.length).toBeGreaterThan(20);
  expect(await statuses(routes, (route) => send(route.method, at(route), null))).toEqual(all(routes, 401));
});

test('what needs a scope is refused to a key without it, before the request is read', async () => {
  const routes = ROUTES.filter(({ who }) => who === 'admin' || typeof who === 'object');
  expect(routes.length).toBeGreaterThan(10);
  const query = '?no_such=parameter';
  expect(await statuses(routes, (route) => send(route.method, `${at(route)}${query}`, other))).toEqual(
    all(routes, 403),
  );
});

test('what belongs to an organisation does not exist for an administrator of another', async () => {
  const routes = ROUTES.filter(({ who }) => who === 'admin');
  const elsewhere = newId('tnt');
  const ask = (route: Route) => send(route.method, at(route, elsewhere), world.company.api_keys.admin);
  expect(await statuses(routes, ask)).toEqual(all(routes, 404));
});

test('the OpenAPI document has every route with its methods, and no other', async () => {
  const { paths } = (await (await send('GET', '/v1/openapi.json', null)).json()) as {
    paths: Record<string, Record<string, unknown>>;
  };
  const documented = Object.entries(paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const tools = world.app.catalogue.all.map(({ tool }) => `POST /v1/tools/${tool.name}`);
  const hidden = ['/v1/openapi.json', '/.well-known/oauth-protected-resource/v1', '/v1/tools/{name}'];
  const rows = ROUTES.filter(({ path }) => !hidden.includes(path));
  expect(documented.toSorted()).toEqual(
    [...tools, ...rows.map(({ method, path }) => `${method} ${path}`)].toSorted(),
  );
});
